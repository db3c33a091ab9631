use super::*;
use crate::pack::empty_tables;

fn kinds(host: &str, path: &str, cookie: Option<&str>) -> Vec<&'static str> {
    let tables = empty_tables().unwrap();
    let request = Request {
        method: b"GET",
        scheme: b"https",
        authority: host.as_bytes(),
        path: Some(path.as_bytes()),
        cookie: cookie.map(str::as_bytes),
        ..Request::default()
    };
    Secrets::of(&tables, &request).iter().map(SecretKind::as_str).collect()
}

#[test]
fn a_key_in_the_method_leaves_too() {
    let tables = empty_tables().unwrap();
    let request = Request {
        method: b"ghp_0123456789abcdefghijABCDEFGHIJ",
        authority: b"collect.example",
        path: Some(b"/"),
        ..Request::default()
    };
    let found: Vec<_> = Secrets::of(&tables, &request).iter().collect();
    assert_eq!(found, [SecretKind::GitHub]);
}

#[test]
fn keys_are_known_by_their_form() {
    let other = "collect.example";
    for (host, path, expect) in [
        (other, "/?k=AKIAIOSFODNN7EXAMPLE", &["key.aws"][..]),
        (other, "/AKIAIOSFODNN7EXAMPLE/x", &["key.aws"]),
        (other, "/?k=akiaiosfodnn7example", &[]),
        // Without a digit, and with letters in front, behind or on both sides.
        (other, "/?k=AKIAIOSFODNNAEXAMPLE", &["key.aws"]),
        (other, "/?k=XAKIAIOSFODNN7EXAMPLE", &["key.aws"]),
        (other, "/?k=AKIAIOSFODNN7EXAMPLES", &["key.aws"]),
        (other, "/?k=keyAKIAIOSFODNN7EXAMPLEkey", &["key.aws"]),
        (other, "/?k=ASIAIOSFODNN7EXAMPLE", &["key.aws"]),
        (other, "/tokenghp_0123456789abcdefghijABCDEFGHIJ", &["key.github"]),
        (other, "/?t=xsk-ant-api03-0123456789abcdefghijABCDEFGHIJ", &["key.anthropic"]),
        (other, "/?t=mysk_live_0123456789abcdEF", &["key.stripe"]),
        // Words that are alike.
        (other, "/ASIAPACIFICNORTHEAST/x", &[]),
        (other, "/CZECHOSLOVAKIAINTERNATIONALXX", &[]),
        (other, "/desk-ant-resistant-wooden-table-2026", &[]),
        (other, "/task_test_integration2026build", &[]),
        (other, "/THE-QUICK-BROWN-FOX-JUMPS-OVER", &[]),
        // Data in base32.
        (other, "/?k=AKIAIOSFODNN7EXAMPLEZZZZZZZZZZZZZZZZZZZZ", &[]),
        (other, "/?k=AKIAIOSFODNN7EXAMPL", &[]),
        (other, "/?k=AKIAIOSFODNN8EXAMPLE", &[]),
        (other, "/?t=ghp_0123456789abcdefghijABCDEFGHIJ", &["key.github"]),
        (other, "/?t=ghp_short1", &[]),
        (other, "/?t=sk-ant-api03-0123456789abcdefghijABCDEFGHIJ", &["key.anthropic"]),
        (other, "/?t=sk-proj-0123456789abcdefghijABCDEFGHIJ0123456789", &["key.openai"]),
        (other, "/?t=sk-0123456789abcdefghT3BlbkFJ0123456789abcdefgh", &["key.openai"]),
        // Others have keys with this prefix.
        (other, "/?t=sk-0123456789abcdefghijABCDEFGHIJ0123456789", &[]),
        (other, "/?t=xoxb-123456789012-abcdefghijkl", &["key.slack"]),
        (other, "/?t=sk_live_0123456789abcdef", &["key.stripe"]),
        (other, "/?t=glpat-0123456789abcdefghij", &["key.gitlab"]),
        (other, "/?t=AIza0123456789abcdefghijklmnopqrstuvwxy", &["key.google"]),
        (other, "/?t=-----BEGIN%20RSA%20PRIVATE%20KEY-----%0AMII", &["key.private"]),
        (other, "/risk-assessment/asia/AKIAKI", &[]),
    ] {
        assert_eq!(kinds(host, path, None), expect, "{host}{path}");
    }
    let cookie = Some("a=b; token=ghp_0123456789abcdefghijABCDEFGHIJ; c=d");
    assert_eq!(kinds(other, "/", cookie), ["key.github"]);
}

#[test]
fn a_key_at_its_vendor_is_in_use_in_its_parameter_and_nowhere_else() {
    let google = "AIza0123456789abcdefghijklmnopqrstuvwxy";
    for (host, path, expect) in [
        ("a.s3.amazonaws.com", "/k?a=b&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F2026", &[][..]),
        ("a.s3.amazonaws.com", "/k?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Expires=1", &[]),
        ("evilamazonaws.com", "/k?X-Amz-Credential=AKIAIOSFODNN7EXAMPLE", &["key.aws"]),
        // Places of strangers at hosts of the vendor.
        ("a.s3.amazonaws.com", "/AKIAIOSFODNN7EXAMPLE", &["key.aws"]),
        ("a.s3.amazonaws.com", "/?k=AKIAIOSFODNN7EXAMPLE", &["key.aws"]),
        ("a.s3.amazonaws.com", "/?k=1%26AccessKeyId=AKIAIOSFODNN7EXAMPLE", &["key.aws"]),
        (
            "a.s3.amazonaws.com",
            "/k?X-Amz-Credential=AKIAIOSFODNN7EXAMPLE/ghp_0123456789abcdefghijABCDEFGHIJ",
            &["key.github"],
        ),
        ("api.github.com", "/gists?t=ghp_0123456789abcdefghijABCDEFGHIJ", &["key.github"]),
        (
            "github.com",
            "/evil/r/issues/new?body=ghp_0123456789abcdefghijABCDEFGHIJ",
            &["key.github"],
        ),
        ("hooks.slack.com", "/services/T/B/xoxb-123456789012-abcdefghijkl", &["key.slack"]),
        ("slack.com", "/api/auth.test?token=xoxb-123456789012-abcdefghijkl", &[]),
        (
            "api.openai.com",
            "/v1/files/sk-proj-0123456789abcdefghijABCDEFGHIJ0123456789",
            &["key.openai"],
        ),
        ("gitlab.com", "/api/v4/user?private_token=glpat-0123456789abcdefghij", &[]),
        ("gitlab.com", "/evil/p?x=glpat-0123456789abcdefghij", &["key.gitlab"]),
    ] {
        assert_eq!(kinds(host, path, None), expect, "{host}{path}");
    }
    assert!(
        kinds("maps.googleapis.com", &format!("/maps/api/js?v=3&key={google}"), None).is_empty()
    );
    for host in ["script.google.com", "evil.web.app", "x.translate.goog"] {
        assert_eq!(kinds(host, &format!("/macros/s/x/exec?key={google}"), None), ["key.google"]);
    }
    for host in ["evil.execute-api.us-east-1.amazonaws.com", "evil.lambda-url.us-east-1.on.aws"] {
        assert_eq!(kinds(host, "/?X-Amz-Credential=AKIAIOSFODNN7EXAMPLE", None), ["key.aws"]);
    }
    let in_bucket = format!("/evil/x?prefix={google}");
    assert_eq!(kinds("storage.googleapis.com", &in_bucket, None), ["key.google"]);
    let cookie = Some("t=ghp_0123456789abcdefghijABCDEFGHIJ");
    assert_eq!(kinds("evil.github.com", "/", cookie), ["key.github"]);
}

#[test]
fn a_key_in_a_label_of_a_host_is_read_without_case() {
    for (host, expect) in [
        ("AKIAIOSFODNN7EXAMPLE.collect.example", &["key.aws"][..]),
        ("akiaiosfodnn7example.collect.example", &["key.aws"]),
        ("x-akiaiosfodnn7example-1.oast.example", &["key.aws"]),
        ("kakiaiosfodnn7example.collect.example", &["key.aws"]),
        ("a.ghp_0123456789abcdefghijabcdefghij.collect.example", &["key.github"]),
        ("sk-ant-api03-0123456789abcdefghijabcdefghij.collect.example", &["key.anthropic"]),
        ("xoxb-123456789012-abcdefghijkl.collect.example", &["key.slack"]),
        ("akiaiosfodnn7example.s3.amazonaws.com", &["key.aws"]),
        ("akia-hairandbeautysalon.example", &[]),
        ("asiapacificnortheast.cdn.example", &[]),
        ("akiahairandbeautybar.example", &[]),
        ("desk-ant-resistant-wooden-table-2026.shop.example", &[]),
        ("slovakiainternationalx.example", &[]),
    ] {
        assert_eq!(kinds(host, "/", None), expect, "{host}");
    }
}

#[test]
fn what_is_encoded_is_read() {
    for path in [
        "/?k=%41KIAIOSFODNN7EXAMPLE",
        "/?k=%2525%34%31KIA",
        "/?k=%252541KIAIOSFODNN7EXAMPLE",
        "/?k=41-4b-49-41-49-4f-53-46-4f-44-4e-4e-37-45-58-41-4d-50-4c-45",
        "/?k=414b4941494f53464f444e4e374558414d504c45",
        "/?k=41%3A4b%3A49%3A41%3A49%3A4f%3A53%3A46%3A4f%3A44%3A4e%3A4e%3A37%3A45%3A58%3A41%3A4d%3A50%3A4c%3A45",
        "/?k=QUtJQUlPU0ZPRE5ON0VYQU1QTEU=",
        "/?k=AKIA%E2%80%8BIOS%E2%80%8BFODN%E2%80%8BN7EX%E2%80%8BAMPLE",
    ] {
        let expect = if path.ends_with("KIA") { &[][..] } else { &["key.aws"] };
        assert_eq!(kinds("collect.example", path, None), expect, "{path}");
    }
}

#[test]
fn tokens_and_random_text_are_known_and_ids_are_not() {
    let jwt = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.0123456789abcdefghijABCDEFGHIJ";
    let hex: String =
        (0_u32..60).map(|idx| format!("{:04x}", (idx * 40_503 + 977) % 65_536)).collect();
    let words = "a-page-about-something-that-has-a-long-name".repeat(6);
    for (path, expect) in [
        (format!("/x/{jwt}/y"), &["token.jwt"][..]),
        (format!("/?t={jwt}"), &["token.jwt"]),
        (format!("/?t={}", jwt.replace("eyJhbGci", "eyJhbGcx")), &[]),
        ("/?t=eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.".to_owned(), &[]),
        (format!("/?d={hex}"), &["text.random"]),
        (format!("/?d={}", hex.get(..128).unwrap()), &[]),
        (format!("/{words}"), &[]),
        (format!("/?d={}", "0".repeat(300)), &[]),
        ("/resources/550e8400-e29b-41d4-a716-446655440000/details".to_owned(), &[]),
    ] {
        assert_eq!(kinds("collect.example", &path, None), expect, "{path}");
    }
}

#[test]
fn data_in_labels_is_known_and_hashes_and_names_are_not() {
    for (host, expect) in [
        ("4a6f686e446f65.53656372657431.exfil.example", true),
        ("706f7374677265733a2f2f757365723a70617373406462.exfil.example", true),
        ("JBSWY3DPEHPK3PXP.x.exfil.example", true),
        (
            "a1b2c3d4.e5f6a7b8.c9d0e1f2.a3b4c5d6.e7f8a9b0.c1d2e3f4.a5b6c7d8.e9f0a1b2.exfil.example",
            true,
        ),
        ("0cc175b9c0f1b6a831c399e269772661.cdn.example", false),
        ("customer4portal7production.example.com", false),
        ("production-eu-west-1.api.example.com", false),
        ("a1b2c3d4.e5f6a7b8.cdn.example", false),
        ("d111111abcdef8.cdn.example", false),
        ("4a6f686e446f65.example", false),
        ("550e8400-e29b-41d4-a716-446655440000.apps.example", false),
        ("127.0.0.1", false),
        ("[::1]", false),
        ("", false),
    ] {
        assert_eq!(kinds(host, "/", None) == ["host.encoded"], expect, "{host}");
    }
}

#[test]
fn a_set_fits_every_kind() {
    assert!(SecretKind::ALL.len() <= 32);
    let mut set = Secrets::default();
    for kind in SecretKind::ALL {
        set.insert(*kind);
    }
    assert_eq!(set.iter().count(), SecretKind::ALL.len());
}
