//! One request on its way through the services: the planned fault, the door, what time has brought, the service, the
//! headers, and what the trace is told.
//!
//! Invariant: whatever arrives becomes exactly one action and exactly one call in the trace, which stands last.

use bytes::Bytes;
use http::{HeaderValue, Request, Response};

use super::access::CLIENT_ADDRESS;
use super::errors::Error;
use super::route::{self, Door, Service};
use super::{Azure, Fault, LOGIN_HOST, RESOURCE};
use crate::clouds::call::{self, Account, Call, date};
use crate::clouds::faults::Faults;
use crate::clouds::{Arrival, Cloud, Handled};
use crate::trace::What;

/// Retry-After of everything that is throttled, in seconds. (`Evidence::Ours`: the documentation names no value.)
const RETRY_AFTER: &str = "1";

/// What a service answers: status, and body if there is one.
pub(super) type Answered = (u16, Option<String>);

impl Cloud for Azure {
    fn handle(&mut self, arrival: &Arrival, request: &Request<Bytes>) -> Handled {
        call::handle(self, arrival, request)
    }
}

impl Account for Azure {
    type Fault = Fault;

    fn faults(&mut self) -> &mut Faults<Fault> {
        &mut self.faults
    }

    fn guess(request: &Request<Bytes>) -> (Service, String) {
        (route::guess(request), route::operation(request))
    }

    fn serve(
        &mut self,
        arrival: &Arrival,
        request: &Request<Bytes>,
        fault: Option<Fault>,
    ) -> (Response<Bytes>, Vec<What>) {
        self.vaults.values_mut().for_each(|vault| vault.advance(arrival.at));
        let vaults: Vec<&str> = self.vaults().collect();
        let routed = route::door(request, &vaults, &self.home);
        let door = routed.as_ref().map_or_else(|_| Door::KeyVault(self.home.clone()), Door::clone);
        let service = door.service();
        let request_id = match &door {
            Door::KeyVault(vault) => self.streams(&format!("key vault/{vault}")).request_ids.uuid(),
            Door::Entra => self.streams("entra").request_ids.uuid(),
        };
        let mut call = Call::new(service, "unknown".to_owned());
        if routed.is_err() {
            call.operation = format!("{} {}", request.method(), request.uri().path());
        }
        let visit = Visit { arrival, request, fault, request_id: &request_id };
        let result = routed.and_then(|door| match &door {
            Door::KeyVault(vault) => self.key_vault(vault, &visit, &mut call),
            Door::Entra => self.entra(&visit, &mut call),
        });
        let refused = result.as_ref().err().map(|refusal| refusal.error);
        let (status, body) = result.unwrap_or_else(|refusal| {
            let body = match service {
                Service::KeyVault => super::key_vault::error_body(&refusal),
                Service::Entra => super::entra::error_body(&refusal, &visit),
            };
            (refusal.error.fact().status, Some(body))
        });
        call.name_secrets(&self.trace);
        let mut events: Vec<What> = call.opened.iter().map(|(kid, plaintext)| self.grant(kid, plaintext)).collect();
        events.push(call.event(status, refused.map(|error| error.fact().name.to_owned())));
        let mut response = Response::new(Bytes::from(body.unwrap_or_default()));
        *response.status_mut() = status.try_into().expect("the table's statuses are well-formed");
        self.add_headers(&mut response, &visit, service, refused);
        (response, events)
    }
}

impl Azure {
    /// The headers in the order of the real services: of Key Vault as recorded, of the token service as documented.
    fn add_headers(&self, response: &mut Response<Bytes>, visit: &Visit<'_>, service: Service, refused: Option<Error>) {
        let has_body = !response.body().is_empty();
        let mut add = |name: &'static str, value: &str| {
            let value = HeaderValue::from_str(value).expect("our own values, and one that was a header's before");
            response.headers_mut().append(name, value);
        };
        add("Cache-Control", if service == Service::KeyVault { "no-cache" } else { "no-store, no-cache" });
        add("Pragma", "no-cache");
        if has_body {
            add("Content-Type", "application/json; charset=utf-8");
        }
        add("Expires", "-1");
        match service {
            Service::KeyVault => {
                if let Some(refused) = refused.filter(|refused| refused.fact().status == 401) {
                    add("WWW-Authenticate", &self.challenge(refused));
                }
                add("x-ms-keyvault-region", &self.region);
                let client_id = visit.request.headers().get("x-ms-client-request-id").and_then(|id| id.to_str().ok());
                if let Some(id) = client_id {
                    add("x-ms-client-request-id", id);
                }
                add("x-ms-request-id", visit.request_id);
                add("x-ms-keyvault-service-version", "1.9.1054.1");
                let network = format!("conn_type=Ipv4;addr={CLIENT_ADDRESS};act_addr_fam=InterNetwork;");
                add("x-ms-keyvault-network-info", &network);
            }
            Service::Entra => add("x-ms-request-id", visit.request_id),
        }
        if refused.is_some_and(|refused| refused.fact().status == 429) {
            add("Retry-After", RETRY_AFTER);
        }
        add("X-Content-Type-Options", "nosniff");
        add("Strict-Transport-Security", "max-age=31536000;includeSubDomains");
        add("Date", &date(visit.arrival.at));
    }

    /// Where a token can be had, and for which resource (recorded). Of a token that is no longer good it says so in the
    /// words of RFC 6750, section 3. (That last part is `Evidence::Inferred`.)
    fn challenge(&self, refused: Error) -> String {
        let tenant = self.tenant_id();
        let asked = format!("Bearer authorization=\"https://{LOGIN_HOST}/{tenant}\", resource=\"{RESOURCE}\"");
        match refused {
            Error::TokenExpired => {
                format!("{asked}, error=\"invalid_token\", error_description=\"The token is expired.\"")
            }
            _ => asked,
        }
    }

    fn grant(&self, cmk: &str, plaintext: &[u8]) -> What {
        What::Grant { provider: "azure".to_owned(), cmk: cmk.to_owned(), material: self.trace.fingerprint(plaintext) }
    }
}

/// A request at a door.
#[derive(Clone, Copy, Debug)]
pub(super) struct Visit<'a> {
    pub(super) arrival: &'a Arrival,
    pub(super) request: &'a Request<Bytes>,
    /// What is to go wrong.
    pub(super) fault: Option<Fault>,
    pub(super) request_id: &'a str,
}
