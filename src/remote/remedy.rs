//! What comes next on a link, in words: what happens by itself, and what somebody has to do.

use http::StatusCode;

use crate::connection::RequestError;
use crate::dial::DialError;
use crate::machine::LinkState;
use crate::mirror::MirrorError;

/// What has to be done about a link that does not come up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// Nothing is known that somebody has to do.
    #[default]
    Nothing,
    /// Nobody answers at the address.
    Reach,
    /// The remote dials up, and no tunnel of it waits here.
    Uplink,
    /// The proxy on the way refuses.
    Proxy,
    /// The connection came up and broke.
    Line,
    /// The token does not hold.
    Token,
    /// The role of the token has no right to a link.
    Role,
    /// The key or certificate is not the expected one.
    Key,
    /// Something else answers at the address.
    Address,
    /// One of the two programs is too old.
    Version,
    /// The node is in the tree already, or it is this one.
    Place,
    /// The remote has its own reason, which it says.
    Remote,
}

impl Remedy {
    /// What a failed request asks for.
    pub(crate) fn of_request(error: &RequestError) -> Self {
        match error {
            RequestError::Dial(DialError::Connect { .. }) => Self::Reach,
            RequestError::Dial(DialError::NoTunnel) => Self::Uplink,
            RequestError::Dial(DialError::Proxy { .. }) => Self::Proxy,
            RequestError::Dial(error @ DialError::Tls { .. }) if error.is_refusal() => Self::Key,
            RequestError::Dial(DialError::Tls { .. }) | RequestError::Broken(_) => Self::Line,
            RequestError::Dial(DialError::NotHttp2(_) | DialError::NotHttp1(_))
            | RequestError::Answer(_) => Self::Address,
            RequestError::Refused { status, .. } => match *status {
                StatusCode::UNAUTHORIZED => Self::Token,
                StatusCode::FORBIDDEN => Self::Role,
                StatusCode::NOT_FOUND => Self::Address,
                _ => Self::Remote,
            },
            RequestError::CursorGone { .. } | RequestError::Digests(_) => Self::Nothing,
        }
    }

    /// What a stream that cannot be followed asks for.
    pub(crate) fn of_stream(error: Option<&MirrorError>) -> Self {
        match error {
            Some(MirrorError::Protocol(_)) => Self::Version,
            Some(MirrorError::Myself | MirrorError::Duplicate { .. }) => Self::Place,
            Some(MirrorError::NoHello) => Self::Address,
            // It is read anew at once.
            Some(MirrorError::Renamed | MirrorError::Restored | MirrorError::NotSame) => {
                Self::Nothing
            }
            Some(MirrorError::Twin(_)) => Self::Place,
            Some(MirrorError::Number(_)) | None => Self::Remote,
        }
    }

    /// What somebody has to do, as a sentence.
    fn words(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::Reach => {
                "Somebody has to see that the remote runs, that its address is right, and that no \
                 firewall stands between."
            }
            Self::Uplink => {
                "The remote dials up: somebody has to look at `mainstem uplinks list` there."
            }
            Self::Proxy => {
                "Somebody has to see that the proxy runs and lets connections to the remote pass."
            }
            Self::Line => "If it stays so, somebody has to look at the line and the remote's log.",
            Self::Token => {
                "Somebody has to renew the token: `mainstem token create` at the remote, then put \
                 it where the remote entry says."
            }
            Self::Role => "Somebody has to give the role of this token `link: true` at the remote.",
            Self::Key => {
                "Somebody has to compare the fingerprint that the remote itself logs with `pin` of \
                 the remote entry, and change it only if the key was made anew on purpose."
            }
            Self::Address => {
                "Somebody has to correct the address: what answers there is no mainstem node."
            }
            Self::Version => "Somebody has to update the older of the two nodes.",
            Self::Place => {
                "Somebody has to remove the remote entry, or correct its address: a node has one \
                 place in a tree."
            }
            Self::Remote => "Somebody has to look at the remote: the cause is what it says itself.",
        }
    }
}

/// What comes next on a link in a state, as sentences; nothing while all is well.
pub(crate) fn next_action(name: &str, state: LinkState, remedy: Remedy) -> Option<String> {
    let words = remedy.words();
    let and = |text: &str| match words {
        "" => text.to_owned(),
        _ => format!("{text} {words}"),
    };
    Some(match state {
        LinkState::Live => return None,
        LinkState::Connecting => and("Tries by itself: a connection is being made."),
        LinkState::Snapshot => "Nothing to do: everything is being read.".to_owned(),
        LinkState::Replaying => "Nothing to do: what was missed is being read.".to_owned(),
        LinkState::Degraded => "Catches up by itself if it can. If it stays so, spare the line or \
                                this machine: `delivery: latest`, `profile: wan` for compression, \
                                or fewer names in the remote's role."
            .to_owned(),
        LinkState::Waiting => and("Tries again by itself."),
        LinkState::Refused => and("Tries again now and then."),
        LinkState::Resting => "Nothing to do: the next round comes by itself.".to_owned(),
        LinkState::Paused => {
            format!("Somebody has to resume it: `mainstem remotes resume {name}`.")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_but_live_says_what_comes_next() {
        let next = |state, remedy| next_action("line1", state, remedy);
        assert_eq!(next(LinkState::Live, Remedy::Reach), None);
        let others = [
            LinkState::Connecting,
            LinkState::Snapshot,
            LinkState::Replaying,
            LinkState::Degraded,
            LinkState::Waiting,
            LinkState::Refused,
            LinkState::Resting,
            LinkState::Paused,
        ];
        for state in others {
            let words = next(state, Remedy::Nothing).unwrap();
            assert!(words.ends_with('.') && !words.contains("  "), "{words}");
        }
        let refused = next(LinkState::Refused, Remedy::Token).unwrap();
        assert!(refused.contains("renew the token"), "{refused}");
        let paused = next(LinkState::Paused, Remedy::Nothing).unwrap();
        assert!(paused.contains("remotes resume line1"), "{paused}");
    }

    #[test]
    fn a_refusal_says_who_has_to_do_what() {
        let of = |status| {
            Remedy::of_request(&RequestError::Refused {
                status,
                message: String::new(),
                retry_after: None,
            })
        };
        assert_eq!(of(StatusCode::UNAUTHORIZED), Remedy::Token);
        assert_eq!(of(StatusCode::FORBIDDEN), Remedy::Role);
        assert_eq!(of(StatusCode::SERVICE_UNAVAILABLE), Remedy::Remote);
        assert_eq!(Remedy::of_stream(Some(&MirrorError::Myself)), Remedy::Place);
        assert_eq!(
            Remedy::of_stream(Some(&MirrorError::Protocol(2))),
            Remedy::Version
        );
    }
}
