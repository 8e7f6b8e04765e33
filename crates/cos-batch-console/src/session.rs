//! Who is signed in, without a table of sessions.
//!
//! A session is a token that only a holder of the key could have made: what it says, and an HMAC of that under the key's
//! secret. So it is good on every node that knows the key and after a restart, it ends when the key is taken away, and
//! nobody can fill memory with sessions. What is kept is a short list of those that were signed out before their time.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use cos_batch_model::{AppId, Uin};
use cos_signature::SecretKey;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// A session ends this long after its sign-in, in seconds: somebody watches a night's job, and signs in once a day.
pub const SESSION_SECONDS_MAX: i64 = 12 * 3600;

/// A session ends after so many seconds without a request. A page in which something moves
/// asks every few seconds while it is looked at.
pub const IDLE_SECONDS_MAX: i64 = 3600;

/// A token that is older is replaced at the next request.
const RENEW_SECONDS: i64 = 300;

/// Sessions remembered as signed out; each is forgotten when it would have ended. The oldest go first.
const SIGNED_OUT_MAX: usize = 4096;

/// Clocks of nodes that share keys may differ by so many seconds.
const SKEW_SECONDS: i64 = 120;

/// Bytes of a token at most: an id of 128 bytes in hexadecimal digits, an HMAC, times.
const TOKEN_BYTES_MAX: usize = 512;

/// A key, and whose it is.
#[derive(Clone, Debug)]
pub struct Key {
    /// The secret that requests are signed with.
    pub secret: SecretKey,
    /// The account, whose jobs and buckets are shown.
    pub appid: AppId,
    /// The account's UIN, handed on to the engine.
    pub uin: Option<Uin>,
    /// The token without which a temporary key is refused.
    pub security_token: Option<SecretKey>,
}

/// Knows keys: the same that the API accepts.
pub trait Keys: Send + Sync {
    /// The key with this id, unless there is none or it may not be used now. It must not block.
    fn key(&self, secret_id: &str) -> Option<Key>;
}

impl Keys for BTreeMap<String, Key> {
    fn key(&self, secret_id: &str) -> Option<Key> {
        self.get(secret_id).cloned()
    }
}

/// Whose key it is that tokens are made with.
pub(crate) enum Doors {
    /// Those who have one of these keys.
    Keys(Box<dyn Keys>),
    /// Everybody, as whoever they say; this secret lives as long as the process.
    Open { default: AppId, secret: SecretKey },
}

/// What a token says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Claims {
    /// Id of the key; where the doors are open, the APPID.
    who: String,
    /// When somebody signed in, and when the token was made, in Unix seconds.
    since: i64,
    made: i64,
    /// Tells sessions apart.
    number: String,
}

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) appid: AppId,
    pub(crate) uin: Option<Uin>,
    /// What forms carry: a page of another site cannot know it.
    pub(crate) form: String,
    /// A newer token to be set, if the one that came has some age.
    pub(crate) renewed: Option<String>,
    claims: Claims,
}

/// Makes and judges tokens.
pub(crate) struct Sessions {
    pub(crate) doors: Doors,
    signed_out: Mutex<BTreeMap<String, i64>>,
}

impl Claims {
    fn text(&self) -> String {
        format!("{}.{}.{}.{}", hex::encode(&self.who), self.since, self.made, self.number)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let mut next = || parts.next();
        let who = String::from_utf8(hex::decode(next()?).ok()?).ok()?;
        let (since, made) = (next()?.parse().ok()?, next()?.parse().ok()?);
        let claims = Self { who, since, made, number: next()?.to_owned() };
        // One session, one spelling.
        (claims.text() == text).then_some(claims)
    }
}

fn mac(secret: &SecretKey, purpose: &str, text: &str) -> Hmac<Sha256> {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).expect("an HMAC takes a key of any length");
    mac.update(purpose.as_bytes());
    mac.update(b"\n");
    mac.update(text.as_bytes());
    mac
}

const FOR_SESSION: &str = "cos-batch console session 1";
const FOR_FORMS: &str = "cos-batch console forms 1";
const FOR_COMPARING: &str = "cos-batch console comparing 1";

/// Whether two secrets are the same, in a time that tells nothing of where they differ.
fn same(left: &SecretKey, right: &str) -> bool {
    let given = mac(&SecretKey::new(right), FOR_COMPARING, "").finalize().into_bytes();
    mac(left, FOR_COMPARING, "").verify(&given).is_ok()
}

impl Sessions {
    pub(crate) fn new(doors: Doors) -> Self {
        Self { doors, signed_out: Mutex::default() }
    }

    /// A token for whoever has this key; none if nobody has.
    pub(crate) fn sign_in(&self, id: &str, secret: &str, token: &str, number: String, now: i64) -> Option<String> {
        let (key, found) = match &self.doors {
            Doors::Keys(keys) => match keys.key(id) {
                Some(key) => (key, true),
                // The same work for an id that nobody has.
                None => (
                    Key { secret: SecretKey::new("-"), appid: AppId::new("0").ok()?, uin: None, security_token: None },
                    false,
                ),
            },
            Doors::Open { .. } => {
                let appid = AppId::new(id).ok()?;
                return self.token(&Claims { who: appid.to_string(), since: now, made: now, number });
            }
        };
        let right = same(&key.secret, secret);
        let token_right = match &key.security_token {
            Some(expected) => same(expected, token),
            None => token.is_empty(),
        };
        if !(found && right && token_right) {
            return None;
        }
        self.token(&Claims { who: id.to_owned(), since: now, made: now, number })
    }

    fn secret(&self, who: &str) -> Option<Key> {
        match &self.doors {
            Doors::Keys(keys) => keys.key(who),
            Doors::Open { secret, .. } => {
                let appid = AppId::new(who).ok()?;
                Some(Key { secret: secret.clone(), appid, uin: None, security_token: None })
            }
        }
    }

    fn token(&self, claims: &Claims) -> Option<String> {
        let text = claims.text();
        let key = self.secret(&claims.who)?;
        Some(format!("{text}.{}", hex::encode(mac(&key.secret, FOR_SESSION, &text).finalize().into_bytes())))
    }

    /// Who made this token, if it is still good.
    pub(crate) fn session(&self, token: &str, now: i64) -> Option<Session> {
        if token.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let (text, tag) = token.rsplit_once('.')?;
        let claims = Claims::parse(text)?;
        let key = self.secret(&claims.who)?;
        mac(&key.secret, FOR_SESSION, text).verify_slice(&hex::decode(tag).ok()?).ok()?;
        let in_time = (-SKEW_SECONDS..=SESSION_SECONDS_MAX).contains(&now.saturating_sub(claims.since))
            && (-SKEW_SECONDS..=IDLE_SECONDS_MAX).contains(&now.saturating_sub(claims.made));
        // Consistent after every statement.
        let signed_out = self.signed_out.lock().unwrap_or_else(PoisonError::into_inner).contains_key(&claims.number);
        if !in_time || signed_out {
            return None;
        }
        let renewed = match now - claims.made > RENEW_SECONDS {
            true => self.token(&Claims { made: now, ..claims.clone() }),
            false => None,
        };
        let form = mac(&key.secret, FOR_FORMS, &format!("{}.{}", claims.since, claims.number)).finalize().into_bytes();
        Some(Session { appid: key.appid, uin: key.uin, form: hex::encode(form), renewed, claims })
    }

    /// Ends a session before its time, on this server.
    pub(crate) fn sign_out(&self, session: &Session, now: i64) {
        let mut signed_out = self.signed_out.lock().unwrap_or_else(PoisonError::into_inner);
        signed_out.retain(|_, since| now.saturating_sub(*since) <= SESSION_SECONDS_MAX + SKEW_SECONDS);
        if signed_out.len() >= SIGNED_OUT_MAX {
            let oldest = signed_out.iter().min_by_key(|(_, since)| **since).map(|(number, _)| number.clone());
            oldest.and_then(|number| signed_out.remove(&number));
        }
        signed_out.insert(session.claims.number.clone(), session.claims.since);
    }
}

impl Session {
    /// Whether a form carries what the pages since this login gave it.
    pub(crate) fn is_own_form(&self, token: &str) -> bool {
        use subtle::ConstantTimeEq as _;
        self.form.as_bytes().ct_eq(token.as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000;

    fn sessions() -> Sessions {
        let key = |secret: &str, token: Option<&str>| Key {
            secret: SecretKey::new(secret),
            appid: AppId::new("1250000000").unwrap(),
            uin: None,
            security_token: token.map(SecretKey::new),
        };
        let keys = [("a".to_owned(), key("secret-a", None)), ("t".to_owned(), key("secret-t", Some("token")))];
        Sessions::new(Doors::Keys(Box::new(BTreeMap::from(keys))))
    }

    fn signed_in(sessions: &Sessions) -> String {
        sessions.sign_in("a", "secret-a", "", "7".to_owned(), NOW).unwrap()
    }

    #[test]
    fn only_the_right_key_lets_in() {
        let sessions = sessions();
        let try_with = |id, secret, token| sessions.sign_in(id, secret, token, "1".to_owned(), NOW).is_some();
        assert!(try_with("a", "secret-a", "") && try_with("t", "secret-t", "token"));
        for (id, secret, token) in [
            ("a", "secret-b", ""),
            ("a", "", ""),
            ("b", "secret-a", ""),
            ("b", "-", ""),
            ("", "", ""),
            ("a", "secret-a", "token"),
            ("t", "secret-t", ""),
            ("t", "secret-t", "tokem"),
        ] {
            assert!(!try_with(id, secret, token), "{id} {secret} {token}");
        }
    }

    #[test]
    fn a_session_ends_with_its_time() {
        let sessions = sessions();
        let mut token = signed_in(&sessions);
        assert!(sessions.session(&token, NOW + IDLE_SECONDS_MAX).is_some());
        assert!(sessions.session(&token, NOW + IDLE_SECONDS_MAX + 1).is_none());
        assert!(sessions.session(&token, NOW - SKEW_SECONDS - 1).is_none(), "from the future");
        assert!(sessions.session(&token, NOW + RENEW_SECONDS).unwrap().renewed.is_none());
        let form = sessions.session(&token, NOW).unwrap().form;
        let mut now = NOW;
        while now + RENEW_SECONDS < NOW + SESSION_SECONDS_MAX {
            now += RENEW_SECONDS + 1;
            let session = sessions.session(&token, now).unwrap();
            assert!(session.is_own_form(&form), "forms of older pages are still good");
            token = session.renewed.unwrap();
        }
        assert!(sessions.session(&token, NOW + SESSION_SECONDS_MAX).is_some());
        assert!(sessions.session(&token, NOW + SESSION_SECONDS_MAX + 1).is_none(), "however busy");
    }

    #[test]
    fn no_token_can_be_made_up_or_changed() {
        let sessions = sessions();
        let token = signed_in(&sessions);
        assert_eq!(sessions.session(&token, NOW).unwrap().appid.as_str(), "1250000000");
        for at in 0..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[at] = if bytes[at] == b'1' { b'2' } else { b'1' };
            let changed = String::from_utf8(bytes).unwrap();
            assert!(sessions.session(&changed, NOW).is_none(), "{at}");
        }
        for wrong in ["", ".", "....", &token[..token.len() - 2], &format!("{token}00"), &"a.".repeat(400)] {
            assert!(sessions.session(wrong, NOW).is_none(), "{wrong}");
        }
    }

    #[test]
    fn a_session_that_was_signed_out_stays_so_and_others_go_on() {
        let sessions = sessions();
        let (token, other) =
            (signed_in(&sessions), sessions.sign_in("a", "secret-a", "", "8".to_owned(), NOW).unwrap());
        sessions.sign_out(&sessions.session(&token, NOW).unwrap(), NOW);
        assert!(sessions.session(&token, NOW).is_none());
        assert!(sessions.session(&other, NOW).is_some());
        for number in 0..SIGNED_OUT_MAX + 9 {
            let token = sessions.sign_in("a", "secret-a", "", format!("n{number}"), NOW + 1).unwrap();
            sessions.sign_out(&sessions.session(&token, NOW + 1).unwrap(), NOW + 1);
        }
        assert_eq!(sessions.signed_out.lock().unwrap().len(), SIGNED_OUT_MAX);
    }

    #[test]
    fn a_form_is_that_of_its_session() {
        let sessions = sessions();
        let token = signed_in(&sessions);
        let other = sessions.sign_in("a", "secret-a", "", "8".to_owned(), NOW).unwrap();
        let (one, other) = (sessions.session(&token, NOW).unwrap(), sessions.session(&other, NOW).unwrap());
        assert!(one.is_own_form(&one.form) && !one.is_own_form(&other.form) && !one.is_own_form(""));
    }
}
