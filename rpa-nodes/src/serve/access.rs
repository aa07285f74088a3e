//! Who may ask over HTTP.

use std::net::IpAddr;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use ring::hmac;
use serde_json::Value;

use super::ServeError;
use super::settings::Settings;

/// What a request has to show.
#[derive(Debug)]
enum Proof {
    Nothing,
    Basic {
        user: String,
        password: String,
    },
    Header {
        name: String,
        value: String,
    },
    /// A token signed with HMAC-SHA256.
    Token {
        secret: String,
    },
}

/// Who may ask.
#[derive(Debug)]
pub(super) struct Access {
    proof: Proof,
    only: Vec<Net>,
    never: Vec<Net>,
}

/// Addresses that begin with the same bits.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Net {
    address: IpAddr,
    bits: u32,
}

/// Why somebody may not ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// Not from there.
    Address,
    /// What has to be shown is missing or wrong.
    Proof,
}

impl Refused {
    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::Address => StatusCode::FORBIDDEN,
            Self::Proof => StatusCode::UNAUTHORIZED,
        }
    }

    pub(super) fn reason(self) -> &'static str {
        match self {
            Self::Address => "not from this address",
            Self::Proof => "it is not shown who asks",
        }
    }

    /// Has a browser ask for a name and a password, where that may help.
    pub(super) fn ask(self, headers: &mut HeaderMap) {
        if self == Self::Proof {
            let how = HeaderValue::from_static("Basic realm=\"workflow\", charset=\"UTF-8\"");
            headers.insert(WWW_AUTHENTICATE, how);
        }
    }
}

impl Access {
    pub(super) fn new(settings: &Settings) -> Result<Self, ServeError> {
        let needed = |property: &str| match settings.text(property) {
            text if text.is_empty() => Err(settings.refuse(format!(
                "`auth_type` is `{}`, and `{property}` is empty; everybody could ask",
                settings.text("auth_type")
            ))),
            text => Ok(text),
        };
        let proof = match settings.text("auth_type").as_str() {
            "basic" => Proof::Basic {
                user: needed("basic_username")?,
                password: needed("basic_password")?,
            },
            "header" => Proof::Header {
                name: needed("auth_header_name")?.to_lowercase(),
                value: needed("auth_header_value")?,
            },
            "jwt" => Proof::Token {
                secret: needed("jwt_secret")?,
            },
            _ => Proof::Nothing,
        };
        let nets = |property: &str| -> Result<Vec<Net>, ServeError> {
            let words = settings.words(property);
            let nets = words.iter().map(|word| {
                Net::parse(word).ok_or_else(|| {
                    settings.refuse(format!(
                        "`{property}`: `{word}` is no address; write 10.0.0.7 or 10.0.0.0/8"
                    ))
                })
            });
            nets.collect()
        };
        Ok(Self {
            proof,
            only: nets("ip_whitelist")?,
            never: nets("ip_blacklist")?,
        })
    }

    /// Everybody may ask.
    pub(super) fn open() -> Self {
        Self {
            proof: Proof::Nothing,
            only: Vec::new(),
            never: Vec::new(),
        }
    }

    /// Who asks, as far as what is shown tells.
    pub(super) fn user(&self) -> &str {
        match &self.proof {
            Proof::Basic { user, .. } => user,
            _ => "",
        }
    }

    /// The header that has to be shown: it is no part of what a run is told.
    pub(super) fn secret_header(&self) -> &str {
        match &self.proof {
            Proof::Header { name, .. } => name,
            _ => "authorization",
        }
    }

    pub(super) fn check(&self, from: IpAddr, headers: &HeaderMap, now: i64) -> Result<(), Refused> {
        let is_in = |nets: &[Net]| nets.iter().any(|net| net.holds(from));
        if is_in(&self.never) || (!self.only.is_empty() && !is_in(&self.only)) {
            return Err(Refused::Address);
        }
        let shown = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let after = |scheme: &str| {
            let value = shown(AUTHORIZATION.as_str())?;
            let (said, rest) = value.split_once(' ')?;
            said.eq_ignore_ascii_case(scheme).then_some(rest.trim())
        };
        let is_shown = match &self.proof {
            Proof::Nothing => true,
            Proof::Header { name, value } => shown(name).is_some_and(|shown| same(shown, value)),
            Proof::Basic { user, password } => after("basic")
                .and_then(|encoded| BASE64_STANDARD.decode(encoded).ok())
                .and_then(|decoded| String::from_utf8(decoded).ok())
                .is_some_and(|shown| same(&shown, &format!("{user}:{password}"))),
            Proof::Token { secret } => {
                after("bearer").is_some_and(|token| is_signed(token, secret, now))
            }
        };
        is_shown.then_some(()).ok_or(Refused::Proof)
    }
}

/// Whether both are the same, in a time that does not tell where they differ.
fn same(shown: &str, expected: &str) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"comparison");
    let tag = hmac::sign(&key, expected.as_bytes());
    hmac::verify(&key, shown.as_bytes(), tag.as_ref()).is_ok()
}

/// Whether a token is signed with the secret, and valid at this second since 1970.
fn is_signed(token: &str, secret: &str, now: i64) -> bool {
    let Some((signed, signature)) = token.rsplit_once('.') else {
        return false;
    };
    let Some((header, claims)) = signed.split_once('.') else {
        return false;
    };
    let read = |part: &str| -> Option<Value> {
        let decoded = BASE64_URL_SAFE_NO_PAD.decode(part).ok()?;
        serde_json::from_slice(&decoded).ok()
    };
    let (Some(header), Some(claims)) = (read(header), read(claims)) else {
        return false;
    };
    let Ok(signature) = BASE64_URL_SAFE_NO_PAD.decode(signature) else {
        return false;
    };
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let second = |name: &str| claims.get(name).and_then(Value::as_f64);
    let now = now as f64;
    header
        .get("alg")
        .is_some_and(|algorithm| algorithm == "HS256")
        && hmac::verify(&key, signed.as_bytes(), &signature).is_ok()
        && second("exp").is_none_or(|end| now < end)
        && second("nbf").is_none_or(|begin| now >= begin)
}

impl Net {
    fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse().ok()?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(most);
        (bits <= most).then_some(Self { address, bits })
    }

    fn holds(self, other: IpAddr) -> bool {
        let first = |bits: u128, of: u32| match of - self.bits {
            0 => bits,
            rest => bits.checked_shr(rest).unwrap_or_default(),
        };
        match (self.address, other.to_canonical()) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                first(own.to_bits().into(), 32) == first(other.to_bits().into(), 32)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                first(own.to_bits(), 128) == first(other.to_bits(), 128)
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_in_nets_that_begin_as_they_do() {
        let is_in = |net: &str, address: &str| {
            let address = address.parse().unwrap();
            Net::parse(net).unwrap().holds(address)
        };
        assert!(is_in("10.0.0.0/8", "10.200.3.4"));
        assert!(!is_in("10.0.0.0/8", "11.0.0.1"));
        assert!(is_in("127.0.0.1", "127.0.0.1") && !is_in("127.0.0.1", "127.0.0.2"));
        assert!(is_in("0.0.0.0/0", "8.8.8.8") && !is_in("0.0.0.0/0", "::1"));
        assert!(is_in("fe80::/10", "fe80::1") && is_in("::/0", "2001:db8::1"));
        assert!(is_in("127.0.0.1", "::ffff:127.0.0.1"));
        for wrong in ["10.0.0.0/33", "10.0.0", "host", "10.0.0.0/x"] {
            assert_eq!(Net::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn tokens_have_to_be_signed_and_in_their_time() {
        let token = |header: &str, claims: &str, secret: &str| {
            let signed = format!(
                "{}.{}",
                BASE64_URL_SAFE_NO_PAD.encode(header),
                BASE64_URL_SAFE_NO_PAD.encode(claims)
            );
            let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
            let signature = hmac::sign(&key, signed.as_bytes());
            format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
        };
        let head = r#"{"alg":"HS256","typ":"JWT"}"#;
        assert!(is_signed(&token(head, "{}", "s"), "s", 100));
        assert!(is_signed(
            &token(head, r#"{"exp":101,"nbf":100}"#, "s"),
            "s",
            100
        ));
        for (wrong, why) in [
            (token(head, "{}", "other"), "another secret"),
            (token(head, r#"{"exp":100}"#, "s"), "over"),
            (token(head, r#"{"nbf":101}"#, "s"), "not yet"),
            (token(r#"{"alg":"none"}"#, "{}", "s"), "another algorithm"),
            (token(head, "{}", "s").replace('.', ""), "no parts"),
            (String::new(), "empty"),
        ] {
            assert!(!is_signed(&wrong, "s", 100), "{why}");
        }
    }
}
