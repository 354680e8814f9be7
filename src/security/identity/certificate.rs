//! The node's own CA and the certificate that it gives to the node's key.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;
use std::time::Duration;

use mainstem_model::{NodeId, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PublicKeyData, date_time_ymd,
};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::IdentityError;
use super::files::{
    CA_FILE, CA_KEY_FILE, CERTIFICATE_FILE, KEY_FILE, key, read_text, write_public,
};
use crate::tls::{Pin, provider};

/// Names that one certificate may have.
pub const NAMES_MAX: usize = 64;

const DAY_SECONDS: i64 = 24 * 3600;
const LEAF_DAYS: i64 = 825;
const RENEW_DAYS: i64 = 30;
/// The last second of the year 9999, where certificates end.
const CERTIFICATE_TIME_MAX: u64 = 253_402_300_799;

/// What a node's certificate is to say.
pub(super) struct Wanted<'a> {
    pub(super) node_name: &'a str,
    pub(super) key: &'a KeyPair,
    pub(super) names: &'a [String],
}

/// The node's CA.
pub(super) struct Authority {
    certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

impl Authority {
    pub(super) fn load_or_create(
        folder: &Path,
        id: NodeId,
        notices: &mut Vec<String>,
    ) -> Result<Self, IdentityError> {
        let path = folder.join(CA_FILE);
        let text = read_text(&path)?;
        let key = key(&folder.join(CA_KEY_FILE), text.is_some(), notices)?;
        let text = match text {
            Some(text) => text,
            None => {
                let text = make_ca(id, &key)?;
                write_public(&path, &text)?;
                text
            }
        };
        let damaged = |fault| IdentityError::Damaged {
            path: path.clone(),
            fault,
            action: "restore it from a backup, or remove it: it is made again from ca-key.pem, \
                     and clients that trust the old file need the new one",
        };
        let certificate = CertificateDer::from_pem_slice(text.as_bytes())
            .map_err(|_| damaged("holds no certificate in PEM form"))?;
        if Pin::of_certificate(&certificate) != Some(pin_of(&key)) {
            return Err(damaged("does not belong to ca-key.pem"));
        }
        let issuer = Issuer::from_ca_cert_der(&certificate, key).map_err(IdentityError::Make)?;
        Ok(Self {
            certificate,
            issuer,
        })
    }

    /// The node's certificate as PEM: the one in the folder, or a new one if that is due.
    pub(super) fn leaf(
        &self,
        folder: &Path,
        wanted: &Wanted<'_>,
        now: Timestamp,
        notices: &mut Vec<String>,
    ) -> Result<String, IdentityError> {
        let Wanted {
            node_name,
            key,
            names,
        } = *wanted;
        if names.len() > NAMES_MAX {
            return Err(IdentityError::Names(names.len()));
        }
        let path = folder.join(CERTIFICATE_FILE);
        if let Some(text) = read_text(&path)? {
            match reason_to_renew(&text, key, names, now) {
                None => return Ok(text),
                Some(reason) => notices.push(format!("The certificate was renewed: {reason}.")),
            }
        }
        let mut params = params(node_name, names)?;
        let seconds = now.micros().div_euclid(1_000_000);
        // A day back, for clients whose clock is behind.
        params.not_before = date_time_ymd(1970, 1, 1) + since_1970(seconds - DAY_SECONDS);
        params.not_after =
            date_time_ymd(1970, 1, 1) + since_1970(seconds + LEAF_DAYS * DAY_SECONDS);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ];
        params.use_authority_key_identifier_extension = true;
        let made = params
            .signed_by(key, &self.issuer)
            .map_err(IdentityError::Make)?;
        write_public(&path, &made.pem())?;
        Ok(made.pem())
    }
}

/// The pin of a key.
pub(super) fn pin_of(key: &KeyPair) -> Pin {
    Pin::of_key(&key.subject_public_key_info())
}

/// Certificate chain and key as TLS needs them.
pub(super) fn certified(
    folder: &Path,
    leaf: &str,
    authority: &Authority,
    key: &KeyPair,
) -> Result<CertifiedKey, IdentityError> {
    let leaf = CertificateDer::from_pem_slice(leaf.as_bytes())
        .map_err(|_| IdentityError::Make(rcgen::Error::CouldNotParseCertificate))?;
    let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let signing = provider()
        .key_provider
        .load_private_key(private)
        .map_err(|source| IdentityError::Key {
            path: folder.join(KEY_FILE),
            source,
        })?;
    Ok(CertifiedKey::new(
        vec![leaf, authority.certificate.clone()],
        signing,
    ))
}

fn make_ca(id: NodeId, key: &KeyPair) -> Result<String, IdentityError> {
    let mut params = params(&format!("mainstem CA {id}"), &[])?;
    // Fixed dates, because a clock that was wrong at the first start must not spoil the CA.
    params.not_before = date_time_ymd(2000, 1, 1);
    params.not_after = date_time_ymd(2100, 1, 1);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params.self_signed(key).map_err(IdentityError::Make)?.pem())
}

fn params(common_name: &str, names: &[String]) -> Result<CertificateParams, IdentityError> {
    let mut params = CertificateParams::default();
    for name in names {
        let one = CertificateParams::new(vec![name.clone()]);
        let one = one.map_err(|_| IdentityError::Name(name.clone()))?;
        params.subject_alt_names.extend(one.subject_alt_names);
    }
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    Ok(params)
}

/// Seconds since 1970 as certificates count them; a clock before 1970 counts as 1970.
fn since_1970(seconds: i64) -> Duration {
    Duration::from_secs(
        u64::try_from(seconds)
            .unwrap_or(0)
            .min(CERTIFICATE_TIME_MAX),
    )
}

fn reason_to_renew(
    text: &str,
    key: &KeyPair,
    names: &[String],
    now: Timestamp,
) -> Option<&'static str> {
    let Ok(certificate) = CertificateDer::from_pem_slice(text.as_bytes()) else {
        return Some("the file held none");
    };
    let Ok((_, parsed)) = X509Certificate::from_der(&certificate) else {
        return Some("the file was damaged");
    };
    let seconds = now.micros().div_euclid(1_000_000);
    let validity = parsed.validity();
    if validity.not_after.timestamp() - seconds < RENEW_DAYS * DAY_SECONDS {
        return Some("it ended soon");
    }
    if validity.not_before.timestamp() > seconds {
        return Some("it was not valid yet");
    }
    if Pin::of_certificate(&certificate) != Some(pin_of(key)) {
        return Some("it belonged to another key");
    }
    let wanted: BTreeSet<String> = names.iter().map(|name| canonical(name)).collect();
    (names_of(&parsed) != wanted).then_some("the node's names have changed")
}

fn canonical(name: &str) -> String {
    name.parse::<IpAddr>()
        .map_or_else(|_| name.to_owned(), |address| address.to_string())
}

fn names_of(certificate: &X509Certificate<'_>) -> BTreeSet<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else {
        return BTreeSet::new();
    };
    let names = extension
        .value
        .general_names
        .iter()
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            GeneralName::IPAddress(bytes) => address(bytes).map(|address| address.to_string()),
            _ => None,
        });
    names.collect()
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return Some(IpAddr::from(four));
    }
    <[u8; 16]>::try_from(bytes).ok().map(IpAddr::from)
}
