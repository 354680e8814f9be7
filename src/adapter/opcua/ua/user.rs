//! The user as the stack wants to have it.

use std::fs::File;
use std::io::Read;

use mainstem_adapter::SessionEnd;
use opcua::client::IdentityToken;
use opcua::crypto::{
    KeySize, PrivateKey, SecurityPolicy, X509, create_signature_data, verify_signature_data,
};
use opcua::types::{ByteString, UserTokenType};

use crate::connection::{Pem, User};

/// Bytes of a file with a certificate or a key.
const FILE_BYTES_MAX: u64 = 64 * 1024;

/// How a user logs in.
pub(super) fn kind(user: &User) -> UserTokenType {
    match user {
        User::Anonymous => UserTokenType::Anonymous,
        User::Name(..) => UserTokenType::UserName,
        User::Certificate(..) => UserTokenType::Certificate,
    }
}

/// What is shown to the server. Reads the user's files, so that new ones count at the next connect.
pub(super) fn token(user: &User) -> Result<IdentityToken, SessionEnd> {
    match user {
        User::Anonymous => Ok(IdentityToken::Anonymous),
        User::Name(name, password) => {
            Ok(IdentityToken::new_user_name(name.clone(), password.clone()))
        }
        User::Certificate(certificate, key) => certified(certificate, key)
            .map_err(|message| SessionEnd::lost("user_certificate", message)),
    }
}

fn certified(certificate: &Pem, key: &Pem) -> Result<IdentityToken, String> {
    let bytes = read("userCertificate", certificate)?;
    let certificate = X509::from_pem(&bytes)
        .or_else(|_| X509::from_der(&bytes))
        .map_err(|_| "userCertificate is no X.509 certificate (PEM or DER)".to_owned())?;
    let key = PrivateKey::from_pem(&read("userPrivateKey", key)?).map_err(|_| {
        "userPrivateKey is no RSA key in PEM (PKCS#8 or PKCS#1) without a pass phrase".to_owned()
    })?;
    let shown = certificate
        .public_key()
        .map_err(|_| "userCertificate has no RSA key".to_owned())?;
    if key.size() != shown.size() || !is_pair(&certificate, &key) {
        return Err("userPrivateKey is not the key of userCertificate".to_owned());
    }
    Ok(IdentityToken::new_x509(certificate, key))
}

// Whether the two belong together is seen by a signature.
fn is_pair(certificate: &X509, key: &PrivateKey) -> bool {
    let (policy, text) = (SecurityPolicy::Basic256Sha256, [7; 32]);
    let signed = certificate.as_byte_string();
    create_signature_data(key, policy, &signed, &ByteString::from(&text[..])).is_ok_and(|data| {
        verify_signature_data(&data, policy, certificate, certificate, &text).is_ok()
    })
}

fn read(option: &str, pem: &Pem) -> Result<Vec<u8>, String> {
    let path = match pem {
        Pem::Text(text) => return Ok(text.trim_start().as_bytes().to_vec()),
        Pem::File(path) => path,
    };
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|file| file.take(FILE_BYTES_MAX).read_to_end(&mut bytes))
        .map_err(|error| format!("{option}: cannot read {}: {error}", path.display()))?;
    Ok(bytes)
}
