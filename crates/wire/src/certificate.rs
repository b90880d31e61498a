//! The two things the gate reads out of a certificate itself: its channel-binding hash and its subject's name.

use aws_lc_rs::digest;
use rustls_pki_types::CertificateDer;

/// DER tags (ITU-T X.690).
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT_IDENTIFIER: u8 = 0x06;
const UTF8_STRING: u8 = 0x0c;
const PRINTABLE_STRING: u8 = 0x13;
const IA5_STRING: u8 = 0x16;
const CONTEXT_0: u8 = 0xa0;

/// Contents of object identifiers, as they stand in DER.
const RSA_PKCS1: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01]; // 1.2.840.113549.1.1
const ECDSA: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04]; // 1.2.840.10045.4
const NIST_HASHES: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02]; // 2.16.840.1.101.3.4.2
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03]; // 2.5.4.3

/// The `tls-server-end-point` value of a certificate (RFC 5929, section 4.1): its hash with the hash of
/// its signature, or with SHA-256 where that is MD5 or SHA-1. `None` where the signature names no hash
/// (Ed25519): the value is not defined then, and Postgres offers no channel binding either.
#[must_use]
pub fn end_point_hash(certificate: &CertificateDer<'_>) -> Option<Box<[u8]>> {
    let mut input = certificate.as_ref();
    let mut fields = element(&mut input, SEQUENCE)?;
    element(&mut fields, SEQUENCE)?;
    let mut algorithm = element(&mut fields, SEQUENCE)?;
    let hash = signature_hash(&mut algorithm)?;
    Some(digest::digest(hash, certificate.as_ref()).as_ref().into())
}

/// The subject's common name, as client certificates carry the login in (PostgreSQL manual,
/// "Certificate Authentication").
pub(crate) fn common_name(certificate: &CertificateDer<'_>) -> Option<String> {
    let mut input = certificate.as_ref();
    let mut signed = element(&mut element(&mut input, SEQUENCE)?, SEQUENCE)?;
    if signed.first() == Some(&CONTEXT_0) {
        element(&mut signed, CONTEXT_0)?; // version
    }
    any(&mut signed)?; // serial number
    for _ in ["signature", "issuer", "validity"] {
        element(&mut signed, SEQUENCE)?;
    }
    let mut subject = element(&mut signed, SEQUENCE)?;
    while !subject.is_empty() {
        let mut attribute = element(&mut element(&mut subject, SET)?, SEQUENCE)?;
        if element(&mut attribute, OBJECT_IDENTIFIER)? == COMMON_NAME {
            let (UTF8_STRING | PRINTABLE_STRING | IA5_STRING, text) = any(&mut attribute)? else {
                return None;
            };
            // A NUL inside is the classic way to have a CA sign one name and a reader see another.
            return std::str::from_utf8(text).ok().filter(|name| !name.contains('\0')).map(str::to_owned);
        }
    }
    None
}

fn signature_hash(algorithm: &mut &[u8]) -> Option<&'static digest::Algorithm> {
    let identifier = element(algorithm, OBJECT_IDENTIFIER)?;
    if let Some(last) = identifier.strip_prefix(RSA_PKCS1) {
        return match last {
            [4 | 5 | 11] => Some(&digest::SHA256), // MD5 and SHA-1 count as SHA-256
            [10] => pss_hash(algorithm),
            [12] => Some(&digest::SHA384),
            [13] => Some(&digest::SHA512),
            [14] => Some(&digest::SHA224),
            _ => None,
        };
    }
    match identifier.strip_prefix(ECDSA)? {
        [1] | [3, 2] => Some(&digest::SHA256), // SHA-1 counts as SHA-256
        [3, 1] => Some(&digest::SHA224),
        [3, 3] => Some(&digest::SHA384),
        [3, 4] => Some(&digest::SHA512),
        _ => None,
    }
}

/// RSASSA-PSS names its hash in its parameters (RFC 4055, section 3.1); absent means SHA-1.
fn pss_hash(algorithm: &mut &[u8]) -> Option<&'static digest::Algorithm> {
    let mut parameters = element(algorithm, SEQUENCE)?;
    if parameters.first() != Some(&CONTEXT_0) {
        return Some(&digest::SHA256);
    }
    let mut hash = element(&mut element(&mut parameters, CONTEXT_0)?, SEQUENCE)?;
    match element(&mut hash, OBJECT_IDENTIFIER)?.strip_prefix(NIST_HASHES)? {
        [1] => Some(&digest::SHA256),
        [2] => Some(&digest::SHA384),
        [3] => Some(&digest::SHA512),
        [4] => Some(&digest::SHA224),
        _ => None,
    }
}

/// Takes the next element, which must have that tag, and gives its contents.
fn element<'a>(input: &mut &'a [u8], wanted: u8) -> Option<&'a [u8]> {
    let (tag, contents) = any(input)?;
    (tag == wanted).then_some(contents)
}

fn any<'a>(input: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (&[tag, first], mut rest) = input.split_first_chunk::<2>()?;
    let mut length = usize::from(first);
    if first >= 0x80 {
        let (digits, after) = rest.split_at_checked(usize::from(first & 0x7f))?;
        if digits.is_empty() || digits.len() > 3 {
            return None; // indefinite, or longer than a certificate can be
        }
        length = digits.iter().fold(0, |sum, digit| sum << 8 | usize::from(*digit));
        rest = after;
    }
    let (contents, after) = rest.split_at_checked(length)?;
    *input = after;
    Some((tag, contents))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rcgen::{CertificateParams, DnType, KeyPair, SignatureAlgorithm};

    fn certificate(algorithm: &'static SignatureAlgorithm, name: &str) -> CertificateDer<'static> {
        let key = KeyPair::generate_for(algorithm).expect("a key");
        let mut params = CertificateParams::new(vec!["gate.test".into()]).expect("a name");
        params.distinguished_name.push(DnType::OrganizationName, "Stuff");
        params.distinguished_name.push(DnType::CommonName, name);
        params.self_signed(&key).expect("a certificate").der().clone()
    }

    #[test]
    fn the_hash_follows_the_signature() {
        let table: [(&'static SignatureAlgorithm, Option<&'static digest::Algorithm>); 4] = [
            (&rcgen::PKCS_ECDSA_P256_SHA256, Some(&digest::SHA256)),
            (&rcgen::PKCS_ECDSA_P384_SHA384, Some(&digest::SHA384)),
            (&rcgen::PKCS_ECDSA_P521_SHA512, Some(&digest::SHA512)),
            (&rcgen::PKCS_ED25519, None),
        ];
        for (signature, hash) in table {
            let der = certificate(signature, "gate");
            let wanted = hash.map(|hash| digest::digest(hash, &der).as_ref().into());
            assert_eq!(end_point_hash(&der), wanted, "{signature:?}");
        }
    }

    #[test]
    fn weak_signature_hashes_count_as_sha_256() {
        let table: [(&[u8], Option<&digest::Algorithm>); 8] = [
            (&[4], Some(&digest::SHA256)),
            (&[5], Some(&digest::SHA256)),
            (&[11], Some(&digest::SHA256)),
            (&[12], Some(&digest::SHA384)),
            (&[13], Some(&digest::SHA512)),
            (&[14], Some(&digest::SHA224)),
            (&[1], None),
            (&[], None),
        ];
        for (last, wanted) in table {
            let mut algorithm = vec![OBJECT_IDENTIFIER, 8 + u8::try_from(last.len()).expect("short")];
            algorithm.extend_from_slice(RSA_PKCS1);
            algorithm.extend_from_slice(last);
            assert_eq!(signature_hash(&mut &algorithm[..]), wanted, "1.2.840.113549.1.1.{last:?}");
        }
    }

    #[test]
    fn the_common_name_is_the_subjects() {
        let der = certificate(&rcgen::PKCS_ECDSA_P256_SHA256, "alice");
        assert_eq!(common_name(&der).as_deref(), Some("alice"));
        let der = certificate(&rcgen::PKCS_ECDSA_P256_SHA256, "alice\0.evil.test");
        assert_eq!(common_name(&der), None);
    }

    proptest! {
        #[test]
        fn a_cut_or_garbled_certificate_gives_nothing_and_does_no_harm(at: usize, byte: u8, end: usize) {
            let mut der = certificate(&rcgen::PKCS_ECDSA_P256_SHA256, "alice").to_vec();
            let length = der.len();
            der[at % length] = byte;
            der.truncate(end % length);
            let der = CertificateDer::from(der);
            let _ = (end_point_hash(&der), common_name(&der));
        }
    }
}
