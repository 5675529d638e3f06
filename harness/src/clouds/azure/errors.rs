//! Every refusal that the fake Azure can give, as one table: service, status, codes, the text, and how well each is known.
//!
//! Invariant: no code, status or text of an error stands anywhere else.

use crate::clouds::Evidence;

use super::Service;
pub use table::Error;

/// One row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fact {
    /// Which service says so.
    pub service: Service,
    /// The HTTP status.
    pub status: u16,
    /// `error.code` of Key Vault, `error` of the token service.
    pub code: &'static str,
    /// `error.innererror.code` of Key Vault, where there is one.
    pub inner: Option<&'static str>,
    /// By what readers tell it from others, and what a trace calls it: the innermost code, or the number that begins a
    /// text (`AKV10032`, `AADSTS7000222`).
    pub name: &'static str,
    /// How well status and codes are known.
    pub evidence: Evidence,
    /// From where.
    pub source: &'static str,
    /// The text with `{names}` to fill in, without the number of the token service.
    pub text: &'static str,
    /// How well the text is known.
    pub wording: Evidence,
}

/// A refusal: a row of the table with its names filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Which row.
    pub error: Error,
    /// The text as it is sent.
    pub message: String,
}

impl Refusal {
    /// Fills a row's text: every `{name}` becomes its value.
    pub(super) fn new(error: Error, values: &[(&str, &str)]) -> Self {
        let text = error.fact().text.to_owned();
        let message = values.iter().fold(text, |text, (name, value)| text.replace(&format!("{{{name}}}"), value));
        Refusal { error, message }
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Refusal::new(error, &[])
    }
}

/// Declares the rows once.
macro_rules! errors {
    ($($(#[doc = $doc:literal])+ $name:ident { $($fact:tt)+ })+) => {
        /// The rows by name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Error {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Error {
            /// Every row, in the order of the table.
            pub const ALL: &'static [Error] = &[$(Error::$name,)+];

            /// The row.
            pub fn fact(self) -> Fact {
                match self {
                    $(Error::$name => $($fact)+,)+
                }
            }
        }
    };
}

mod table;

impl Error {
    /// The row of that name; of several the first one in the table.
    pub fn named(name: &str) -> Option<Error> {
        Error::ALL.iter().copied().find(|error| error.fact().name == name)
    }

    /// Whether this service ever answers so.
    pub fn is_known_to(self, service: Service) -> bool {
        self.fact().service == service
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clouds::Evidence::Ours;

    #[test]
    fn every_row_has_a_source_and_a_name_that_its_codes_or_its_text_bear_out() {
        for error in Error::ALL {
            let fact = error.fact();
            assert!(!fact.source.is_empty() && fact.status >= 400, "{error:?}");
            let codes = [Some(fact.code), fact.inner];
            let number = fact.name.strip_prefix("AADSTS").is_some_and(|number| number.parse::<u32>().is_ok());
            let known = match fact.service {
                Service::KeyVault => codes.contains(&Some(fact.name)) || fact.text.contains(fact.name),
                Service::Entra => number && fact.inner.is_none(),
            };
            assert!(known, "{error:?}");
        }
    }

    #[test]
    fn what_the_fake_made_up_says_so_in_its_text() {
        for error in Error::ALL.iter().filter(|error| error.fact().wording == Ours) {
            assert!(error.fact().text.contains("the fake"), "{error:?}");
        }
    }

    #[test]
    fn a_name_leads_to_the_row_that_its_reader_expects() {
        let expected = [
            ("BadParameter", Error::ParameterIncorrect),
            ("KeyNotFound", Error::KeyNotFound),
            ("KeyDisabled", Error::KeyDisabled),
            ("Throttled", Error::Throttled),
            ("AKV10032", Error::InvalidIssuer),
            ("AADSTS7000222", Error::SecretExpired),
        ];
        for (name, error) in expected {
            assert_eq!(Error::named(name), Some(error), "{name}");
        }
        assert_eq!(Error::named("Forbidden"), None, "that says too little");
        assert_eq!(Error::named("keydisabled"), None);
    }

    #[test]
    fn names_in_a_text_are_filled_in() {
        let refusal = Refusal::new(Error::KeyDisabled, &[("operation", "decrypt")]);
        assert_eq!(refusal.message, "Operation decrypt is not allowed on a disabled key.");
    }
}
