//! The table of all bugs: a name, what is wrong in one sentence, and how it is planted.

use std::sync::Arc;

use kmip_proxy::kms::{Class, Kms};
use kmip_proxy::operator::Notice;
use kmiplab::world::sim::{Planted, Wrapper};

use super::answers::{self, editing};
use super::{calls, failures, files, key_services, listeners, networks, surroundings};

/// Something that could be wrong with the product.
pub(crate) struct Bug {
    pub(crate) name: &'static str,
    /// What the product would do.
    pub(crate) sentence: &'static str,
    pub(crate) plant: fn() -> Planted,
}

/// Declares bugs, a line or two each.
macro_rules! bugs {
    ($($name:literal: $sentence:literal, $plant:expr;)+) => {
        &[$(Bug { name: $name, sentence: $sentence, plant: || $plant },)+]
    };
}

pub(crate) const BUGS: &[Bug] = bugs! {
    // The key and its object.
    "flips-a-byte": "one byte of the key material is flipped on the way", editing(answers::flip_key_material);
    "halves-the-key": "half of the key is given out, in order and with the right length for a half",
        editing(answers::halve_key_material);
    "misstates-the-length": "the key is whole, and its length is stated as half of it",
        editing(answers::state_half_the_length);
    "calls-it-secret-data": "the key is given out as an object of another type", editing(answers::call_it_secret_data);
    "empties-the-payload": "answers of success have an empty payload", editing(answers::empty_the_payload);
    "gets-another-key": "a Get is answered under the identifier of another key",
        editing(answers::name_another_key_in_get);
    "answers-of-another-key": "the state of a key is told under the identifier of another one",
        editing(answers::name_another_key_elsewhere);
    "always-active": "every key is said to be active", editing(answers::always_active);
    "never-active": "no key is ever said to be active", editing(answers::never_active);

    // Answers.
    "not-found": "every failure says ItemNotFound", editing(answers::not_found);
    "failure-is-success": "failures are told as success", editing(answers::call_failure_success);
    "silent": "nothing is ever answered", answers::silent();
    "silent-on-failure": "answers of failure are swallowed", answers::silent_on_failure();
    "twice": "every answer is sent twice", answers::twice();
    "halves": "answers break off in their middle", answers::halves();
    "one-behind": "every request is answered with the answer to the one before", answers::one_behind();
    "without-operation": "failures do not say of which operation", editing(answers::without_operation);
    "without-reason": "failures have no ResultReason", editing(answers::without_reason);
    "without-message": "failures have no ResultMessage", editing(answers::without_message);
    "two-lines": "a ResultMessage has a line break", editing(answers::message_of_two_lines);
    "too-long": "a ResultMessage is longer than clients have room for", editing(answers::message_too_long);
    "not-ascii": "a ResultMessage has letters that are not ASCII", editing(answers::message_in_another_script);
    "chatters": "an answer is longer than the client has said that it takes", editing(answers::chatter);
    "miscounts": "the batch count is one too high, as if a batch were answered in part",
        editing(answers::count_one_item_too_many);
    "own-version": "every request is answered in the newest version", editing(answers::answer_in_its_own_version);
    "younger-field": "a KMIP 1.4 field stands in every answer", editing(answers::add_server_correlation_value);
    "without-time": "answers have no TimeStamp", editing(answers::without_time_stamp);

    // Connections from mongod.
    "overhears-good-byes": "a good-bye is not answered", network(listeners::overhears_good_byes);
    "serves-two": "no more than two connections are ever accepted", network(listeners::serves_two);
    "hangs-up": "the connection is closed before the answer is out", network(listeners::hangs_up);
    "dawdles": "answers come after the deadline", network(listeners::dawdles);

    // What the key service is asked.
    "remembers": "an opened key is kept and given out again", kms(key_services::remembers);
    "mixes-up": "the key that was opened first is given out for every other", kms(key_services::mixes_up);
    "asks-twice": "every key is opened twice for one Get", kms(calls::asks_twice);
    "works-ahead": "a key is opened again when it has been given out, to be ready for the next request",
        kms(calls::works_ahead);
    "does-not-let-go": "what has failed is tried on in the background", kms(calls::does_not_let_go);
    "outlives-its-client": "a call goes on although its client has hung up", kms(calls::outlives_its_client);
    "sulks": "one failure is believed for ever", kms(key_services::sulks);
    "storms": "every failure is tried fifty times", kms(calls::storms);
    "keeps-credentials": "credentials are read once and kept for ever", kms(calls::keeps_credentials);
    "keeps-region": "the region of the first call is used for all", kms(calls::keeps_region);
    "keeps-session": "the session of a role is kept when it has expired", surroundings::keeps_the_session();
    "wraps-nothing": "a key that came back empty from wrapping is stored", kms(key_services::wraps_nothing);
    "scrambles": "a new key is wrapped in a way that nobody can undo", kms(key_services::scrambles);

    // What is told.
    "disabled-is-expired": "a disabled key is told as expired credentials",
        kms(failures::mistakes(Class::KeyDisabled, Class::CredentialsExpired));
    "deleted-is-unreachable": "a key that is to be deleted is told as trouble with the network",
        kms(failures::mistakes(Class::KeyPendingDeletion, Class::EndpointUnreachable));
    "unreachable-is-denied": "an outage is told as a lack of permissions",
        kms(failures::mistakes(Class::EndpointUnreachable, Class::AccessDenied));
    "expired-is-invalid": "expired credentials are told as wrong ones",
        kms(failures::mistakes(Class::CredentialsExpired, Class::CredentialsInvalid));
    "tells-nobody": "the operator is told nothing", failures::tells(|_| None);
    "tells-no-key": "the operator is told that a key failed, and not which",
        failures::tells(|notice| {
            let key = notice.key.clone().unwrap_or_default();
            Some(Notice { headline: notice.headline.replace(&key, "of mongod"), ..notice.clone() })
        });
    "tells-no-step": "the operator is told what failed, and not what to do",
        failures::tells(|notice| Some(Notice { text: String::new(), ..notice.clone() }));

    // Secrets.
    "gossips": "a failure quotes the secret access key", kms(failures::gossips);
    "logs-the-token": "a failure quotes a header with the session token in base64", kms(failures::logs_the_token);
    "blurts-out-the-key": "the operator is shown the opened key", failures::blurts_out_the_key();
    "shows": "a key file holds the key as it is", kms(key_services::shows);
    "drops-plaintext": "an opened key lies beside the wrapped one for a moment", files::drops_plaintext();
    "writes-credentials": "credentials from flags are written to the disk", files::keeps_credentials();

    // Ways to the clouds.
    "detours": "connections to a private endpoint go to the public one", network(networks::detours);
    "loses-patience": "the public endpoint is taken where private ones are slow", network(networks::loses_patience);
    "never-leaves-the-first": "failover never leaves the first endpoint", network(networks::never_leaves_the_first);
    "wrong-end": "endpoints are tried in the wrong order", network(networks::begins_at_the_wrong_end);
    "insists": "an endpoint that refuses is asked five times", network(networks::insists);
    "dwells": "the key service is called again when everything is said", network(networks::dwells);
    "public-resolver": "private names are looked up where they are not known",
        Planted { resolver: Some(wrapper(networks::asks_a_public_resolver)), ..Planted::default() };
    "remembers-addresses": "a name is looked up once for ever",
        Planted { resolver: Some(wrapper(networks::remembers_addresses)), ..Planted::default() };

    // Files.
    "never-syncs": "nothing is ever synced", disk(files::never_syncs);
    "syncs-names-late": "names are synced after the answer", disk(files::syncs_names_late);
    "syncs-changes-late": "a revocation is answered before it is on the disk", disk(files::syncs_changes_late);
    "syncs-names-only": "names are synced, and contents are not", disk(files::syncs_names_only);
    "writes-in-place": "a key file is written where it stands", disk(files::writes_in_place);
    "writes-once": "a key file is written once, so that its activation is lost", disk(files::writes_once);
    "overwrites": "a new key is stored under the name of another", disk(files::overwrites_another_key);
    "remembers-metadata": "metadata files are read once and kept for ever", disk(files::remembers_metadata);
    "overlooks-keys": "key files are not found unless one knows their names", disk(files::overlooks_keys);
    "tidies-up": "metadata files are written anew when they are read", disk(files::tidies_up);

    // Clock, randomness, authorities.
    "stands-still": "the time is asked for once",
        Planted { clock: Some(wrapper(surroundings::stands_still)), ..Planted::default() };
    "local-time": "local time is taken for universal time",
        Planted { clock: Some(wrapper(surroundings::tells_local_time)), ..Planted::default() };
    "repeats-itself": "random bytes repeat, and identifiers with them",
        Planted { crypto: Some(wrapper(surroundings::repeats_itself)), ..Planted::default() };
    "trusts-nobody": "there are no authorities to trust clouds by",
        Planted { roots: Some(wrapper(surroundings::trusts_nobody)), ..Planted::default() };
};

fn kms(wrap: impl Fn(Arc<dyn Kms>) -> Arc<dyn Kms> + 'static) -> Planted {
    Planted { kms: Some(wrapper(wrap)), ..Planted::default() }
}

fn disk(wrap: fn(Arc<dyn kmip_proxy::env::Files>) -> Arc<dyn kmip_proxy::env::Files>) -> Planted {
    Planted { files: Some(wrapper(wrap)), ..Planted::default() }
}

fn network(wrap: fn(Arc<dyn kmip_proxy::env::Network>) -> Arc<dyn kmip_proxy::env::Network>) -> Planted {
    Planted { network: Some(wrapper(wrap)), ..Planted::default() }
}

pub(crate) fn wrapper<T: ?Sized + 'static>(wrap: impl Fn(Arc<T>) -> Arc<T> + 'static) -> Wrapper<T> {
    Arc::new(move |inner, _| wrap(inner))
}
