//! The log-in by SCRAM (RFC 5802, RFC 7677): the password never leaves this side, and the broker
//! proves that it knows it too.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256, Sha512};

/// How often the password is hashed at least, and at most: more would only cost time.
const ITERATIONS: std::ops::RangeInclusive<u32> = 4096..=200_000;

/// What is wrong with the broker's part of the log-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the broker's part of the log-in is wrong: {0}")]
pub(crate) struct ScramProblem(&'static str);

/// Which hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha256,
    Sha512,
}

impl Hash {
    fn mac(self, key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
        match self {
            Self::Sha256 => mac::<Hmac<Sha256>>(key, parts),
            Self::Sha512 => mac::<Hmac<Sha512>>(key, parts),
        }
    }

    fn digest(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Self::Sha256 => Sha256::digest(bytes).to_vec(),
            Self::Sha512 => Sha512::digest(bytes).to_vec(),
        }
    }

    /// PBKDF2 of one block.
    fn stretch(self, password: &[u8], salt: &[u8], iterations: u32) -> Vec<u8> {
        let mut last = self.mac(password, &[salt, &1_u32.to_be_bytes()]);
        let mut out = last.clone();
        for _ in 1..iterations {
            last = self.mac(password, &[&last]);
            out.iter_mut()
                .zip(&last)
                .for_each(|(out, byte)| *out ^= byte);
        }
        out
    }
}

fn mac<M: Mac + KeyInit>(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    // Keys of any length are taken by HMAC.
    let Ok(mut mac) = <M as Mac>::new_from_slice(key) else {
        return Vec::new();
    };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}

/// A log-in under way.
pub(crate) struct Scram {
    hash: Hash,
    password: String,
    first_bare: String,
    nonce: String,
}

/// The last step: what is sent, and what the broker has to answer.
pub(crate) struct Proof {
    pub(crate) message: String,
    signature: String,
}

impl Scram {
    /// Begins with a nonce that nobody can foresee.
    pub(crate) fn new(hash: Hash, user: &str, password: &str, nonce: &str) -> Self {
        let user = user.replace('=', "=3D").replace(',', "=2C");
        Self {
            hash,
            password: password.to_owned(),
            first_bare: format!("n={user},r={nonce}"),
            nonce: nonce.to_owned(),
        }
    }

    /// What is sent first.
    pub(crate) fn first(&self) -> String {
        format!("n,,{}", self.first_bare)
    }

    /// Answers the broker's challenge. Takes a while, as it is meant to.
    pub(crate) fn prove(&self, challenge: &str) -> Result<Proof, ScramProblem> {
        let field = |name: &str| {
            let mut fields = challenge.split(',');
            fields.find_map(|field| field.strip_prefix(name)?.strip_prefix('='))
        };
        let nonce = field("r").ok_or(ScramProblem("it has no nonce"))?;
        if !nonce.starts_with(&self.nonce) || nonce.len() == self.nonce.len() {
            return Err(ScramProblem("its nonce does not continue ours"));
        }
        let salt = field("s").and_then(|salt| STANDARD.decode(salt).ok());
        let salt = salt.ok_or(ScramProblem("it has no salt"))?;
        let iterations = field("i").and_then(|count| count.parse().ok());
        let iterations = iterations
            .filter(|count| ITERATIONS.contains(count))
            .ok_or(ScramProblem("its iterations are not 4,096 to 200,000"))?;
        let salted = self
            .hash
            .stretch(self.password.as_bytes(), &salt, iterations);
        let client_key = self.hash.mac(&salted, &[b"Client Key"]);
        let without_proof = format!("c=biws,r={nonce}");
        let all = format!("{},{challenge},{without_proof}", self.first_bare);
        let stored = self.hash.digest(&client_key);
        let signature = self.hash.mac(&stored, &[all.as_bytes()]);
        let proof: Vec<u8> = client_key
            .iter()
            .zip(&signature)
            .map(|(a, b)| a ^ b)
            .collect();
        let server_key = self.hash.mac(&salted, &[b"Server Key"]);
        Ok(Proof {
            message: format!("{without_proof},p={}", STANDARD.encode(proof)),
            signature: STANDARD.encode(self.hash.mac(&server_key, &[all.as_bytes()])),
        })
    }
}

impl Proof {
    /// Whether the broker knows the password too.
    pub(crate) fn check(&self, answer: &str) -> Result<(), ScramProblem> {
        let said = answer.split(',').find_map(|field| field.strip_prefix("v="));
        match said == Some(self.signature.as_str()) {
            true => Ok(()),
            false => Err(ScramProblem("it does not know the password itself")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Hash, Scram};

    // RFC 7677, 3.
    #[test]
    fn the_log_in_of_the_standard_comes_out() {
        let scram = Scram::new(Hash::Sha256, "user", "pencil", "rOprNGfwEbeRWgbNEkqO");
        assert_eq!(scram.first(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let challenge = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
                         s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
        let proof = scram.prove(challenge).unwrap();
        assert_eq!(
            proof.message,
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
             p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        );
        proof
            .check("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=")
            .unwrap();
        assert!(proof.check("v=AAAA").is_err());
        assert!(proof.check("e=other-error").is_err());
    }

    #[test]
    fn a_broker_that_cheats_is_refused() {
        let scram = Scram::new(Hash::Sha512, "a=b,c", "p", "abc");
        assert_eq!(scram.first(), "n,,n=a=3Db=2Cc,r=abc");
        for challenge in [
            "",
            "r=xyz,s=AAAA,i=4096",
            "r=abc,s=AAAA,i=4096",
            "r=abcd,s=?,i=4096",
            "r=abcd,s=AAAA,i=1",
            "r=abcd,s=AAAA,i=4000000000",
        ] {
            assert!(scram.prove(challenge).is_err(), "{challenge}");
        }
        assert!(scram.prove("r=abcd,s=AAAA,i=4096").is_ok());
    }
}
