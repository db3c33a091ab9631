//! Secrets that leave in a request: what they are, and never what they say.
//!
//! Rules find them by kind in the field [`SECRET_FIELD`]. Keys are known by the form that their vendors document; a
//! key at a host of its own vendor, in the parameter of the query that is for it, is in use and no leak. Looked at are
//! path and query, the user agent, the referrer, cookies and the method, with escapes undone, and in them text in hexadecimal
//! digits or base64; and the labels of the host.
//! Other headers and bodies are not looked at: a token in `Authorization` is where it belongs.

mod encoded;
mod format;
mod host;
mod token;

use crate::pack::Tables;
use crate::request::Request;
use crate::service::{is_known, plain_host};
use encoded::Text;

macro_rules! secrets {
    ($($name:literal $variant:ident: $meaning:literal;)+) => {
        /// A kind of secret.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum SecretKind {
            $(#[doc = $meaning] $variant,)+
        }

        impl SecretKind {
            /// Every kind, in the order of the table.
            pub const ALL: &[SecretKind] = &[$(SecretKind::$variant),+];

            /// The name in rules. It never changes.
            pub fn as_str(self) -> &'static str {
                match self { $(SecretKind::$variant => $name,)+ }
            }

            /// What it is: one sentence without its full stop.
            pub fn meaning(self) -> &'static str {
                match self { $(SecretKind::$variant => $meaning,)+ }
            }
        }
    };
}

secrets! {
    "key.anthropic" Anthropic: "A key of Anthropic's API: `sk-ant-` and at least 24 characters";
    "key.aws" Aws: "The id of an access key of AWS: `AKIA` or `ASIA` and 16 characters of base32";
    "key.github" GitHub: "A token of GitHub: `ghp_`, `gho_`, `ghu_`, `ghs_` or `ghr_` and at least 30 characters, or `github_pat_` and at least 40";
    "key.gitlab" GitLab: "A personal access token of GitLab: `glpat-` and at least 20 characters";
    "key.google" Google: "A key of Google's APIs: `AIza` and 35 characters";
    "key.openai" OpenAi: "A key of OpenAI's API: `sk-` with `T3BlbkFJ` in it, or `sk-proj-` and at least 40 characters";
    "key.private" Private: "The first line of a private key in PEM";
    "key.slack" Slack: "A token of Slack: `xoxa-`, `xoxb-`, `xoxe-`, `xoxp-`, `xoxr-` or `xoxs-`, digits, and at least 20 characters";
    "key.stripe" Stripe: "A secret or restricted key of Stripe: `sk_live_`, `sk_test_`, `rk_live_` or `rk_test_` and at least 16 characters";
    "token.jwt" Jwt: "A signed JSON Web Token in path or query, at a host of no service";
    "text.random" Random: "At least 200 characters in a row that are random in path or query, at a host of no service";
    "host.encoded" HostEncoded: "Encoded data in the labels of a host of no service: text in hexadecimal digits, base32, or many labels of digits";
}

/// Returns true if a key is in a label of a host, in any case.
pub(crate) fn is_in_label(label: &[u8]) -> bool {
    let mut found = Secrets::default();
    format::find_in_label(&label.to_ascii_lowercase(), &mut found);
    found != Secrets::default()
}

/// A set of kinds.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Secrets(u32);

impl Secrets {
    /// Finds the secrets in a request, in the reading in which it is. Takes steps in proportion to the request.
    pub fn of(tables: &Tables, request: &Request<'_>) -> Secrets {
        let mut found = Secrets::default();
        let Some(host) = plain_host(request.authority) else { return found };
        // Most hosts and texts are ruled out by one pass over them.
        let is_encoded = host::has_encoded_labels(&host);
        format::find_in_host(&host, &mut found);
        let method = Some(request.method);
        let texts = [request.path, request.user_agent, request.referrer, request.cookie, method];
        let is_long = texts.map(|text| text.is_some_and(encoded::has_long_run));
        if !is_encoded && is_long == [false; 5] {
            return found;
        }
        // Asked only where something was found, which is rare.
        let is_of_service = || is_known(tables, &host);
        found.insert_if(is_encoded && !is_of_service(), SecretKind::HostEncoded);
        for (idx, (text, is_long)) in texts.into_iter().zip(is_long).enumerate() {
            let Some(text) = text.filter(|_| is_long) else { continue };
            let (is_path, is_url) = (idx == 0, idx == 0 || idx == 2);
            let text = if is_url { format::without_keys_in_use(text, &host) } else { text.into() };
            let text = Text::of(&text);
            for text in text.readings() {
                format::find(text, &mut found);
            }
            if is_path {
                let is_jwt = token::has_jwt(text.unescaped());
                let is_random = token::has_random(text.unescaped());
                let counts = (is_jwt || is_random) && !is_of_service();
                found.insert_if(counts && is_jwt, SecretKind::Jwt);
                found.insert_if(counts && is_random, SecretKind::Random);
            }
        }
        found
    }

    /// Adds a kind.
    pub fn insert(&mut self, kind: SecretKind) {
        self.0 |= 1 << kind as u8;
    }

    fn insert_if(&mut self, holds: bool, kind: SecretKind) {
        self.0 |= u32::from(holds) << kind as u8;
    }

    /// Adds those of another set.
    pub fn extend(&mut self, other: Secrets) {
        self.0 |= other.0;
    }

    /// Returns true if there are none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those in the set, in the order of the table.
    pub fn iter(self) -> impl Iterator<Item = SecretKind> {
        SecretKind::ALL.iter().copied().filter(move |kind| self.0 >> *kind as u8 & 1 == 1)
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter().map(SecretKind::as_str)).finish()
    }
}

#[cfg(test)]
mod tests;
