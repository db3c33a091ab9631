//! Keys by the form that their vendors document.
//!
//! AWS: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html>; GitHub:
//! <https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/about-authentication-to-github>;
//! GitLab: <https://docs.gitlab.com/security/tokens/>; Slack: <https://docs.slack.dev/authentication/tokens/>;
//! Stripe: <https://docs.stripe.com/keys>.

use super::{SecretKind, Secrets};
use crate::service::is_below;

/// Most bytes of a token that are looked at from one place, so that the work stays linear.
const MAX_TOKEN_BYTES: usize = 256;

/// The form of a key.
struct Format {
    kind: SecretKind,
    /// How it starts.
    starts: &'static [&'static str],
    /// What the rest consists of.
    is_part: fn(u8) -> bool,
    /// The least and the most bytes of the rest.
    length: (usize, usize),
    /// What the rest has to be besides.
    holds: fn(&[u8]) -> bool,
    /// The hosts of its vendor, and what is below them.
    own: &'static [&'static str],
}

const FORMATS: &[Format] = &[
    Format {
        kind: SecretKind::Anthropic,
        starts: &["sk-ant-"],
        is_part: is_dashed,
        length: (24, MAX_TOKEN_BYTES),
        holds: has_digit,
        own: &["anthropic.com", "claude.ai", "claude.com"],
    },
    Format {
        kind: SecretKind::Aws,
        starts: &["AKIA", "ASIA"],
        is_part: |byte| byte.is_ascii_uppercase() || (b'2'..=b'7').contains(&byte),
        length: (16, 16),
        holds: |_| true,
        own: &["amazonaws.com", "amazonaws.com.cn", "aws.amazon.com", "api.aws", "on.aws"],
    },
    Format {
        kind: SecretKind::GitHub,
        starts: &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"],
        is_part: |byte| byte.is_ascii_alphanumeric(),
        length: (30, MAX_TOKEN_BYTES),
        holds: has_digit,
        own: GITHUB,
    },
    Format {
        kind: SecretKind::GitHub,
        starts: &["github_pat_"],
        is_part: |byte| byte.is_ascii_alphanumeric() || byte == b'_',
        length: (40, MAX_TOKEN_BYTES),
        holds: has_digit,
        own: GITHUB,
    },
    Format {
        kind: SecretKind::GitLab,
        starts: &["glpat-"],
        is_part: is_dashed,
        length: (20, MAX_TOKEN_BYTES),
        holds: has_digit,
        own: &["gitlab.com"],
    },
    Format {
        kind: SecretKind::Google,
        starts: &["AIza"],
        is_part: is_dashed,
        length: (35, 35),
        holds: has_digit,
        own: &[
            "googleapis.com",
            "google.com",
            "youtube.com",
            "gstatic.com",
            "firebaseio.com",
            "goog",
        ],
    },
    Format {
        kind: SecretKind::OpenAi,
        starts: &["sk-proj-"],
        is_part: is_dashed,
        length: (40, MAX_TOKEN_BYTES),
        holds: has_digit,
        own: OPENAI,
    },
    Format {
        kind: SecretKind::OpenAi,
        starts: &["sk-"],
        is_part: is_dashed,
        length: (40, MAX_TOKEN_BYTES),
        // `OpenAI` in base64.
        holds: |rest| rest.windows(8).any(|part| part == b"T3BlbkFJ"),
        own: OPENAI,
    },
    Format {
        kind: SecretKind::Slack,
        starts: &["xoxa-", "xoxb-", "xoxe-", "xoxp-", "xoxr-", "xoxs-"],
        is_part: is_dashed,
        length: (20, MAX_TOKEN_BYTES),
        holds: |rest| rest.first().is_some_and(u8::is_ascii_digit),
        own: &["slack.com", "slack-gov.com"],
    },
    Format {
        kind: SecretKind::Stripe,
        starts: &["sk_live_", "sk_test_", "rk_live_", "rk_test_"],
        is_part: |byte| byte.is_ascii_alphanumeric(),
        length: (16, MAX_TOKEN_BYTES),
        holds: has_digit,
        own: &["stripe.com"],
    },
];

const GITHUB: &[&str] =
    &["github.com", "githubusercontent.com", "githubcopilot.com", "ghcr.io", "ghe.com"];
const OPENAI: &[&str] = &["openai.com", "openai.azure.com", "chatgpt.com"];

/// How many bytes each of [`PEM`] has.
const PEM_BYTES: usize = "PRIVATE KEY-----".len();
/// How the first line of a private key ends, as text and in a query.
const PEM: [&[u8]; 2] = [b"PRIVATE KEY-----", b"PRIVATE+KEY-----"];

/// Adds the kinds of the keys in a text of a request to a host.
pub(super) fn find(text: &[u8], host: &[u8], found: &mut Secrets) {
    if text.windows(PEM_BYTES).any(|part| PEM.contains(&part)) {
        found.insert(SecretKind::Private);
    }
    let mut before = b' ';
    for (at, byte) in text.iter().enumerate() {
        let is_start = !before.is_ascii_alphanumeric();
        before = *byte;
        // The first letters of all forms.
        if !is_start || !matches!(byte, b'A' | b'g' | b'r' | b's' | b'x') {
            continue;
        }
        let rest = text.get(at..).unwrap_or_default();
        for format in FORMATS.iter().filter(|format| format.fits(rest)) {
            if !format.own.iter().any(|own| is_below(host, own.as_bytes())) {
                found.insert(format.kind);
            }
        }
    }
}

impl Format {
    fn fits(&self, text: &[u8]) -> bool {
        let rest = self.starts.iter().find_map(|start| text.strip_prefix(start.as_bytes()));
        let Some(rest) = rest else { return false };
        let (least, most) = self.length;
        let n_parts =
            rest.iter().take(MAX_TOKEN_BYTES).take_while(|byte| (self.is_part)(**byte)).count();
        let token = rest.get(..n_parts).unwrap_or_default();
        // What goes on in letters is another text that starts alike.
        let goes_on = rest.get(n_parts).is_some_and(u8::is_ascii_alphanumeric);
        (least..=most).contains(&n_parts)
            && (!goes_on || n_parts == MAX_TOKEN_BYTES)
            && (self.holds)(token)
    }
}

fn is_dashed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

fn has_digit(text: &[u8]) -> bool {
    text.iter().any(u8::is_ascii_digit)
}
