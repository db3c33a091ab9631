//! Keys by the form that their vendors document.
//!
//! AWS: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html>; GitHub:
//! <https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/about-authentication-to-github>;
//! GitLab: <https://docs.gitlab.com/security/tokens/>; Slack: <https://docs.slack.dev/authentication/tokens/>;
//! Stripe: <https://docs.stripe.com/keys>. The parameters in which keys are in use at their vendors: signed URLs of AWS
//! (<https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>), system parameters of Google's APIs
//! (<https://cloud.google.com/apis/docs/system-parameters>), GitLab
//! (<https://docs.gitlab.com/api/rest/authentication/>), file links and the old Web API of Slack.

use std::borrow::Cow;

use super::encoded::key_rows;
use super::{SecretKind, Secrets};
use crate::service::is_below;
use crate::words::{has_byte, place_of};

/// Most bytes of a token that are looked at from one place, so that the work stays linear.
const MAX_TOKEN_BYTES: usize = 256;
/// Most bytes of a text around a key of AWS, from its start, that consists of the same characters: a longer one is
/// data in base32.
const MAX_BASE32_BYTES: usize = 24;

/// The form of a key.
struct Format {
    kind: SecretKind,
    /// How it starts.
    starts: &'static [&'static str],
    /// What the rest consists of.
    is_part: fn(u8) -> bool,
    /// The least and the most bytes of the rest.
    length: (usize, usize),
    /// What the rest has to be besides, where it is found in a place.
    holds: fn(&[u8], Place) -> bool,
    /// The hosts of its vendor, and what is below them.
    own: &'static [&'static str],
    /// The parameters of a query to them in which it is in use.
    parameters: &'static [&'static str],
}

/// Where a key is in a text.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    /// Letters or digits are directly in front of it.
    is_glued: bool,
    /// Letters or digits that are none of it are directly behind it.
    goes_on: bool,
    /// It is in a host, in which case is lost.
    is_folded: bool,
}

const FORMATS: &[Format] = &[
    Format {
        kind: SecretKind::Anthropic,
        starts: &["sk-ant-"],
        is_part: is_dashed,
        length: (24, MAX_TOKEN_BYTES),
        holds: is_token,
        own: &["anthropic.com", "claude.ai", "claude.com"],
        parameters: &[],
    },
    Format {
        kind: SecretKind::Aws,
        starts: &["AKIA"],
        is_part: is_base32,
        length: (16, 16),
        holds: |rest, place| place.is_plain() || has_digit(rest) || has_few_vowels(rest),
        own: AWS,
        parameters: AWS_PARAMETERS,
    },
    Format {
        kind: SecretKind::Aws,
        // A word too.
        starts: &["ASIA"],
        is_part: is_base32,
        length: (16, 16),
        holds: |rest, place| {
            let is_word = !place.is_glued && !place.goes_on;
            is_word && has_digit(rest) || has_few_vowels(rest)
        },
        own: AWS,
        parameters: AWS_PARAMETERS,
    },
    Format {
        kind: SecretKind::GitHub,
        starts: &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"],
        is_part: |byte| byte.is_ascii_alphanumeric(),
        length: (30, MAX_TOKEN_BYTES),
        holds: is_token,
        own: &[],
        parameters: &[],
    },
    Format {
        kind: SecretKind::GitHub,
        starts: &["github_pat_"],
        is_part: |byte| byte.is_ascii_alphanumeric() || byte == b'_',
        length: (40, MAX_TOKEN_BYTES),
        holds: is_token,
        own: &[],
        parameters: &[],
    },
    Format {
        kind: SecretKind::GitLab,
        starts: &["glpat-"],
        is_part: is_dashed,
        length: (20, MAX_TOKEN_BYTES),
        holds: is_token,
        own: &["gitlab.com"],
        parameters: &["private_token", "access_token"],
    },
    Format {
        kind: SecretKind::Google,
        starts: &["AIza"],
        is_part: is_dashed,
        length: (35, 35),
        holds: |rest, place| is_token(rest, place) && !(place.is_glued && place.goes_on),
        own: &["googleapis.com", "google.com", "youtube.com", "gstatic.com", "firebaseio.com"],
        parameters: &["key", "$key"],
    },
    Format {
        kind: SecretKind::OpenAi,
        starts: &["sk-proj-"],
        is_part: is_dashed,
        length: (40, MAX_TOKEN_BYTES),
        holds: is_token,
        own: &[],
        parameters: &[],
    },
    Format {
        kind: SecretKind::OpenAi,
        starts: &["sk-"],
        is_part: is_dashed,
        length: (40, MAX_TOKEN_BYTES),
        // `OpenAI` in base64.
        holds: |rest, _| rest.windows(8).any(|part| part.eq_ignore_ascii_case(b"T3BlbkFJ")),
        own: &[],
        parameters: &[],
    },
    Format {
        kind: SecretKind::Slack,
        starts: &["xoxa-", "xoxb-", "xoxe-", "xoxp-", "xoxr-", "xoxs-"],
        is_part: is_dashed,
        length: (20, MAX_TOKEN_BYTES),
        holds: |rest, _| rest.first().is_some_and(u8::is_ascii_digit),
        own: &["slack.com", "slack-gov.com"],
        parameters: &["token", "t"],
    },
    Format {
        kind: SecretKind::Stripe,
        starts: &["sk_live_", "sk_test_", "rk_live_", "rk_test_"],
        is_part: |byte| byte.is_ascii_alphanumeric(),
        length: (16, MAX_TOKEN_BYTES),
        holds: is_token,
        own: &[],
        parameters: &[],
    },
];

const AWS: &[&str] = &["amazonaws.com", "amazonaws.com.cn", "aws.amazon.com", "api.aws", "on.aws"];
const AWS_PARAMETERS: &[&str] = &["X-Amz-Credential", "AWSAccessKeyId", "AccessKeyId"];

/// Labels of hosts at which programs of strangers answer, also at a vendor: they see every parameter.
const PROGRAMS: [&str; 7] =
    ["compute", "elasticbeanstalk", "elb", "execute-api", "lambda-url", "script", "sites"];

/// How many bytes each of [`PEM`] has.
const PEM_BYTES: usize = "PRIVATE KEY-----".len();
/// How the first line of a private key ends, as text and in a query.
const PEM: [&[u8]; 2] = [b"PRIVATE KEY-----", b"PRIVATE+KEY-----"];

/// Adds the kinds of the keys in a text of a request.
pub(super) fn find(text: &[u8], found: &mut Secrets) {
    let is_pem = |part: &[u8]| part.first() == Some(&b'P') && PEM.contains(&part);
    if has_byte(text, b'P') && text.windows(PEM_BYTES).any(is_pem) {
        found.insert(SecretKind::Private);
    }
    for row in key_rows(text) {
        find_keys(row, Place::default(), found);
    }
}

/// Adds the kinds of the keys in the labels of a host in lower case.
pub(super) fn find_in_host(host: &[u8], found: &mut Secrets) {
    for label in host.split(|byte| *byte == b'.') {
        find_in_label(label, found);
    }
}

/// Adds the kinds of the keys in a label of a host in lower case.
pub(super) fn find_in_label(label: &[u8], found: &mut Secrets) {
    if label.len() >= super::encoded::MIN_RUN {
        find_keys(label, Place { is_folded: true, ..Place::default() }, found);
    }
}

fn find_keys(text: &[u8], place: Place, found: &mut Secrets) {
    for (at, start) in text.array_windows().enumerate() {
        if !may_start(*start) {
            continue;
        }
        let before = at.checked_sub(1).and_then(|before| text.get(before));
        let place = Place { is_glued: before.is_some_and(u8::is_ascii_alphanumeric), ..place };
        let rest = text.get(at..).unwrap_or_default();
        for format in FORMATS {
            if format.key_length(rest, place).is_some() {
                found.insert(format.kind);
            }
        }
    }
}

/// Returns true for the first three characters of any form, whatever their case.
fn may_start([first, second, third]: [u8; 3]) -> bool {
    match (first | 0x20, second | 0x20, third | 0x20) {
        (b'a', b'i', third) => third == b'z',
        (b'a', b'k' | b's', third) => third == b'i',
        (b'g', b'h', third) => b"oprsu".contains(&third),
        (b'g', b'i', third) => third == b't',
        (b'g', b'l', third) => third == b'p',
        (b'r' | b's', b'k', third) => third == b'-' || third == b'_' | 0x20,
        (b'x', b'o', third) => third == b'x',
        _ => false,
    }
}

/// A text of a URL without the keys that are in use at a host of their vendor: in the parameter that is for them, as
/// they are. Everywhere else a vendor's host has places of strangers: a gist, a bucket, a page.
pub(super) fn without_keys_in_use<'t>(text: &'t [u8], host: &[u8]) -> Cow<'t, [u8]> {
    let Some(query) = place_of(text, b'?') else { return text.into() };
    let mut labels = host.split(|byte| *byte == b'.');
    let is_program = labels.any(|label| PROGRAMS.iter().any(|program| program.as_bytes() == label));
    let is_own = |format: &&Format| {
        !is_program && format.own.iter().any(|own| is_below(host, own.as_bytes()))
    };
    let own: Vec<_> = FORMATS.iter().filter(is_own).collect();
    if own.is_empty() {
        return text.into();
    }
    let mut shown = text.to_vec();
    let mut start = query + 1;
    for parameter in text.get(start..).unwrap_or_default().split(|byte| *byte == b'&') {
        let equals = parameter.iter().position(|byte| *byte == b'=');
        let (name, value) = parameter.split_at(equals.unwrap_or(parameter.len()));
        let value = value.get(1..).unwrap_or_default();
        let is_for = |format: &&&Format| format.parameters.iter().any(|it| it.as_bytes() == name);
        let lengths = own.iter().filter(is_for);
        let mut lengths = lengths.filter_map(|format| format.key_length(value, Place::default()));
        if let Some(n_bytes) = lengths.next() {
            let key = start + name.len() + 1;
            if let Some(key) = shown.get_mut(key..key + n_bytes) {
                key.fill(b' ');
            }
        }
        start += parameter.len() + 1;
    }
    shown.into()
}

impl Format {
    /// The bytes of the key that a text starts with, in a place; `None` if there is none.
    fn key_length(&self, text: &[u8], place: Place) -> Option<usize> {
        let start = self.starts.iter().find(|start| {
            let found = text.get(..start.len());
            found.is_some_and(|found| {
                if place.is_folded {
                    found.eq_ignore_ascii_case(start.as_bytes())
                } else {
                    found == start.as_bytes()
                }
            })
        })?;
        let rest = text.get(start.len()..)?;
        let (least, most) = self.length;
        let is_part = |byte: &u8| {
            let byte = if place.is_folded { byte.to_ascii_uppercase() } else { *byte };
            (self.is_part)(byte)
        };
        let n_parts = rest.iter().take(MAX_TOKEN_BYTES).take_while(|byte| is_part(byte)).count();
        let goes_on = n_parts > most || rest.get(n_parts).is_some_and(u8::is_ascii_alphanumeric);
        let place = Place { goes_on: goes_on && n_parts < MAX_TOKEN_BYTES, ..place };
        let key = rest.get(..n_parts.min(most))?;
        let is_data = most < MAX_BASE32_BYTES && n_parts > MAX_BASE32_BYTES;
        (n_parts >= least && !is_data && (self.holds)(key, place)).then(|| start.len() + key.len())
    }
}

impl Place {
    /// Returns true if the key is a word of its own, as it was written.
    fn is_plain(self) -> bool {
        !self.is_glued && !self.goes_on && !self.is_folded
    }
}

fn is_dashed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

fn is_base32(byte: u8) -> bool {
    byte.is_ascii_uppercase() || (b'2'..=b'7').contains(&byte)
}

/// Returns true for the rest of a token that is random: with a digit; as a part of a longer word, which may end as a
/// token starts (`task_test_`), with letters of both cases, or one digit of six characters where case is lost.
fn is_token(rest: &[u8], place: Place) -> bool {
    let is_glued = place.is_glued || place.goes_on;
    let n_digits = rest.iter().filter(|byte| byte.is_ascii_digit()).count();
    let is_mixed =
        rest.iter().any(u8::is_ascii_uppercase) && rest.iter().any(u8::is_ascii_lowercase);
    match (is_glued, place.is_folded) {
        (false, _) => n_digits > 0,
        (true, false) => n_digits > 0 && is_mixed,
        (true, true) => n_digits * 6 >= rest.len(),
    }
}

fn has_digit(text: &[u8]) -> bool {
    text.iter().any(u8::is_ascii_digit)
}

/// Returns true if at most a quarter of the letters are vowels: of words two of five are, of random ones one of five.
fn has_few_vowels(text: &[u8]) -> bool {
    let n_letters = text.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    let is_vowel = |byte: &&u8| b"aeiou".contains(&byte.to_ascii_lowercase());
    text.iter().filter(is_vowel).count() * 4 <= n_letters
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn keys_are_found_in_their_rows_as_in_the_whole_text(
            parts in proptest::collection::vec(
                ("[ /?&;=%,:a]{0,2}", "AKIA|ASIA|ghp_|glpat-|xoxb-|sk_live_|sk-ant-|", "[A-Z2-7a0-]{12,42}"),
                0..5,
            ),
        ) {
            let text: String = parts.into_iter().map(|(before, start, rest)| before + &start + &rest).collect();
            let (mut rows, mut whole) = (Secrets::default(), Secrets::default());
            find(text.as_bytes(), &mut rows);
            find_keys(text.as_bytes(), Place::default(), &mut whole);
            prop_assert_eq!(rows, whole, "{}", text);
        }
    }

    #[test]
    fn every_form_is_looked_for_where_it_starts() {
        for start in FORMATS.iter().flat_map(|format| format.starts) {
            for start in [(*start).to_owned(), start.to_ascii_lowercase()] {
                let first = start.as_bytes().first_chunk();
                assert!(first.is_some_and(|first| may_start(*first)), "{start}");
            }
        }
    }
}
