//! The differences that an answer may have from the one in the file, each with its name.
//!
//! Most are the "Permitted Test Case Variations" of the KMIP Profiles (1.3 and 1.4, the clause of this name; earlier
//! profiles have it in each companion document). The others follow from the Specification, which leaves order and
//! optional fields open. Whatever is excused is counted under the name of its rule.
//!
//! Invariant: nothing is excused without a rule from this table.

/// A rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// Identifiers.
    UniqueIdentifier,
    /// Unique Batch Item IDs.
    BatchItemIdentifier,
    /// Correlation values.
    CorrelationValue,
    /// The server's clock in the header.
    TimeStamp,
    /// Key material that the server drew.
    GeneratedKey,
    /// Digests of such keys, and which hash is used.
    Digest,
    /// Dates that no request has fixed.
    Date,
    /// Output that depends on chance, or on a key that the server drew.
    RandomOutput,
    /// Another placeholder.
    Placeholder,
    /// The order of a list.
    Order,
    /// Attributes beyond those in the file.
    MoreAttributes,
    /// More than the file's in the lists of Query and Discover Versions.
    MoreOffered,
    /// Fewer than the file's in the lists of Query, in a use case that requires none of them.
    FewerOffered,
    /// Objects of others in the answer to Locate.
    OthersObjects,
    /// The text of a Result Message.
    ResultMessage,
    /// An Attribute Index of 0.
    AttributeIndex,
    /// A Template-Attribute in an answer.
    TemplateAttribute,
    /// What the server says of itself.
    ServerInformation,
    /// Message extensions, and correlation values in headers (1.4, clauses 6.18 and 6.19): a server repeats the client's or
    /// not.
    Extension,
    /// An empty payload that is there or not.
    EmptyPayload,
    /// The length of a lease.
    Lease,
    /// Groups that no request has named.
    ObjectGroup,
    /// How many objects Locate has found.
    LocatedItems,
}

/// Every rule with its name and what it excuses.
pub const RULES: &[(Rule, &str, &str)] = &[
    (Rule::UniqueIdentifier, "unique-identifier", "identifiers that the server chooses"),
    (
        Rule::BatchItemIdentifier,
        "batch-item-identifier",
        "the request's Unique Batch Item ID is echoed, not the file's",
    ),
    (Rule::CorrelationValue, "correlation-value", "correlation values that the server chooses"),
    (Rule::TimeStamp, "time-stamp", "the server's clock in the header"),
    (Rule::GeneratedKey, "generated-key", "key material, and its format, of objects that the server generates"),
    (Rule::Digest, "digest", "digests of generated objects, their hash and key format"),
    (Rule::Date, "date", "dates that no request has fixed"),
    (Rule::RandomOutput, "random-output", "cryptographic output that depends on chance or on a generated key"),
    (Rule::Placeholder, "placeholder", "other values for which the file has a placeholder"),
    (Rule::Order, "order", "the order of fields that form a list"),
    (Rule::MoreAttributes, "more-attributes", "attributes beyond those in the file"),
    (Rule::MoreOffered, "more-offered", "more than the file's in the lists of Query and Discover Versions"),
    (Rule::FewerOffered, "fewer-offered", "fewer than the file's in the lists of Query, in a use case that needs none"),
    (Rule::OthersObjects, "others-objects", "objects that others left, in the answer to Locate"),
    (Rule::ResultMessage, "result-message", "the text of a Result Message, or that there is one"),
    (Rule::AttributeIndex, "attribute-index", "an Attribute Index of 0, given or not"),
    (Rule::TemplateAttribute, "template-attribute", "a Template-Attribute in an answer, given or not"),
    (Rule::ServerInformation, "server-information", "what the server says of itself and its vendor"),
    (Rule::Extension, "extension", "message extensions, and what they carry"),
    (Rule::EmptyPayload, "empty-payload", "an empty payload, given or not"),
    (Rule::ObjectGroup, "object-group", "an Object Group that no request has named, given or not"),
    (Rule::LocatedItems, "located-items", "how many objects Locate says it has found, which is optional"),
    (Rule::Lease, "lease", "the length of a lease that the server grants"),
];

impl Rule {
    /// The name, as reports have it.
    pub fn name(self) -> &'static str {
        RULES.iter().find(|(rule, ..)| *rule == self).map_or("", |(_, name, _)| name)
    }
}
