//! Where `--connect-to` leads.

/// Returns the target of the tunnel that curl asks a proxy for, with its port; `None` where `given` is not about this
/// host, or changes nothing. `host` may have a port, which is `default_port` where it has none.
///
/// `given` is `HOST1:PORT1:HOST2:PORT2`, each of which may be empty: any host, any port, the same host, the same port
/// (curl's manual page).
pub(super) fn of(given: &str, host: &str, default_port: &str) -> Option<String> {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !port.ends_with(']') => (name, port),
        _ => (host, default_port),
    };
    let mut fields = Fields(given);
    let (for_name, for_port) = (fields.next()?, fields.next()?);
    let (to_name, to_port) = (fields.next()?, fields.0);
    let is_for = (for_name.is_empty() || for_name.eq_ignore_ascii_case(name))
        && (for_port.is_empty() || for_port == port);
    if !is_for || to_name.is_empty() && to_port.is_empty() {
        return None;
    }
    let to_name = if to_name.is_empty() { name } else { to_name };
    let to_port = if to_port.is_empty() { port } else { to_port };
    Some(format!("{}:{to_port}", inspect::ascii_name(to_name)))
}

/// The fields of a value, between colons that are not within the brackets of an address.
struct Fields<'g>(&'g str);

impl<'g> Fields<'g> {
    fn next(&mut self) -> Option<&'g str> {
        let inside = if self.0.starts_with('[') { self.0.find(']')? } else { 0 };
        let end = inside + self.0.get(inside..)?.find(':')?;
        let field = self.0.get(..end);
        self.0 = self.0.get(end + 1..)?;
        field
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_connect_to_names_is_the_target_of_the_tunnel() {
        for (given, host, expect) in [
            ("::b.example:443", "a.example", Some("b.example:443")),
            ("::b.example:", "a.example:8443", Some("b.example:8443")),
            (":::8443", "a.example", Some("a.example:8443")),
            ("A.example:443:b.example:1", "a.example", Some("b.example:1")),
            ("a.example:80:b.example:1", "a.example", None),
            ("c.example::b.example:1", "a.example", None),
            ("[::1]::[::2]:1", "[::1]:443", Some("[::2]:1")),
            ("[::1]::[::2]:1", "[::1]", Some("[::2]:1")),
            (":::", "a.example", None),
            ("b.example", "a.example", None),
        ] {
            assert_eq!(of(given, host, "443").as_deref(), expect, "{given} {host}");
        }
    }
}
