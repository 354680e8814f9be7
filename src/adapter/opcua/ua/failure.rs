//! What a status code means for a session and for a write.

use mainstem_adapter::{SessionEnd, WriteAnswer};
use opcua::types::StatusCode;

use super::identity::OwnCertificate;
use crate::connection::User;

/// The name of a status, as the specification writes it.
pub(crate) fn name(status: StatusCode) -> &'static str {
    status.sub_code().name()
}

/// Why a server could not be asked for its endpoints.
pub(crate) fn no_answer(url: &str, error: &opcua::types::Error) -> SessionEnd {
    let code = match error.status() {
        StatusCode::BadServerNotConnected => "connection_refused",
        StatusCode::BadTimeout => "timeout",
        StatusCode::BadTcpEndpointUrlInvalid => "bad_url",
        StatusCode::BadCommunicationError => "connect_failed",
        _ => "protocol",
    };
    SessionEnd::lost(code, format!("no OPC UA server answers at {url}: {error}"))
}

/// Why a session could not be opened, after the server has told its endpoints.
pub(crate) fn not_opened(
    url: &str,
    status: StatusCode,
    user: &User,
    identity: Option<&OwnCertificate>,
) -> SessionEnd {
    let status_name = name(status);
    if is_login(status) {
        let what = match user {
            User::Certificate(..) => "userCertificate in `connection:`, trust it at the server",
            _ => "username and password in `connection:`",
        };
        let message = format!(
            "the server at {url} refuses {} ({status_name}); check {what} and the user's rights \
             at the server",
            user.describe()
        );
        return SessionEnd::Refused {
            code: "access_denied",
            message,
            retry_after: None,
        };
    }
    if let Some(identity) = identity
        && is_certificate(status)
    {
        // The stack uses this status itself when the session shows another certificate than the
        // endpoint did.
        let or_else = if status == StatusCode::BadCertificateInvalid {
            "; or the server itself has changed its certificate just now"
        } else {
            ""
        };
        let message = format!(
            "the server at {url} refuses our certificate ({status_name}); trust it over there: \
             {}, which servers list as SHA-1 {} (SHA-256 {}){or_else}",
            identity.certificate.display(),
            identity.sha1,
            identity.sha256
        );
        return SessionEnd::Refused {
            code: "certificate_refused",
            message,
            retry_after: None,
        };
    }
    if status == StatusCode::BadTooManySessions {
        let message = format!("the server at {url} has no session left for us ({status_name})");
        return SessionEnd::Refused {
            code: "too_many_sessions",
            message,
            retry_after: None,
        };
    }
    // Some servers hang up without a word if they do not trust a certificate.
    let hint = identity.map_or(String::new(), |identity| {
        format!(
            "; if it stays so, look whether the server has to trust our certificate first: SHA-1 \
             {}, {}",
            identity.sha1,
            identity.certificate.display()
        )
    });
    SessionEnd::lost(
        code(status),
        format!("no session at {url}: {status_name}{hint}"),
    )
}

/// An open session ended.
pub(crate) fn ended(url: &str, status: StatusCode) -> SessionEnd {
    SessionEnd::lost(
        code(status),
        format!("the session at {url} ended: {}", name(status)),
    )
}

fn code(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BadTimeout => "timeout",
        StatusCode::BadCommunicationError
        | StatusCode::BadConnectionClosed
        | StatusCode::BadServerNotConnected => "connection_closed",
        StatusCode::BadSessionIdInvalid
        | StatusCode::BadSessionClosed
        | StatusCode::BadSessionNotActivated => "session_closed",
        StatusCode::BadNoSubscription | StatusCode::BadSubscriptionIdInvalid => "subscription_lost",
        StatusCode::BadShutdown | StatusCode::BadServerHalted => "server_stopped",
        _ => "protocol",
    }
}

fn is_login(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BadUserAccessDenied
            | StatusCode::BadIdentityTokenRejected
            | StatusCode::BadIdentityTokenInvalid
            | StatusCode::BadUserSignatureInvalid
    )
}

fn is_certificate(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BadSecurityChecksFailed
            | StatusCode::BadCertificateUntrusted
            | StatusCode::BadCertificateInvalid
            | StatusCode::BadCertificateTimeInvalid
            | StatusCode::BadCertificateHostNameInvalid
            | StatusCode::BadCertificateUriInvalid
            | StatusCode::BadCertificateUseNotAllowed
            | StatusCode::BadCertificateChainIncomplete
            | StatusCode::BadCertificateRevocationUnknown
            | StatusCode::BadCertificateRevoked
            | StatusCode::BadCertificatePolicyCheckFailed
            | StatusCode::BadApplicationSignatureInvalid
            | StatusCode::BadSecurityModeRejected
            | StatusCode::BadSecurityPolicyRejected
    )
}

/// Whether a failed request means that the session is gone.
pub(crate) fn is_fatal(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::BadSessionIdInvalid
            | StatusCode::BadSessionClosed
            | StatusCode::BadSessionNotActivated
            | StatusCode::BadSecureChannelClosed
            | StatusCode::BadSecureChannelIdInvalid
            | StatusCode::BadConnectionClosed
            | StatusCode::BadNotConnected
            | StatusCode::BadCommunicationError
            | StatusCode::BadShutdown
    )
}

/// What the server's status for one written node means.
pub(crate) fn written(status: StatusCode) -> WriteAnswer {
    if status.is_good() {
        return WriteAnswer::Applied { verified: false };
    }
    if status.is_uncertain() || status == StatusCode::BadTimeout {
        let message = format!("the server answered {}", name(status));
        return WriteAnswer::Unknown { message };
    }
    refused(status)
}

/// The server refused a whole request, or did not answer. Only what a server says before it looks
/// at the value is a refusal; after everything else nobody can tell.
pub(crate) fn write_failed(error: &opcua::types::Error) -> WriteAnswer {
    match error.status() {
        // The channel had no connection to put it on.
        StatusCode::BadNotConnected => WriteAnswer::NotSent {
            message: error.to_string(),
        },
        status @ (StatusCode::BadServiceUnsupported
        | StatusCode::BadUserAccessDenied
        | StatusCode::BadTooManyOperations
        | StatusCode::BadRequestTooLarge
        | StatusCode::BadSessionIdInvalid
        | StatusCode::BadSessionNotActivated
        | StatusCode::BadSecurityModeInsufficient) => refused(status),
        _ => WriteAnswer::Unknown {
            message: format!("no answer to the write: {error}"),
        },
    }
}

/// A refusal with the specification's word for it.
pub(crate) fn refused(status: StatusCode) -> WriteAnswer {
    WriteAnswer::Refused {
        code: name(status).to_owned(),
        message: status.sub_code().description().to_owned(),
    }
}
