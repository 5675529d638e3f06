//! Managed objects: their types, states, names and groups.

use super::enumeration;

enumeration! {
    /// The type of a managed object (clause 9.1.3.2).
    ObjectType, tag OBJECT_TYPE {
        CERTIFICATE = 0x01, "Certificate", V1_0;
        SYMMETRIC_KEY = 0x02, "Symmetric Key", V1_0;
        PUBLIC_KEY = 0x03, "Public Key", V1_0;
        PRIVATE_KEY = 0x04, "Private Key", V1_0;
        SPLIT_KEY = 0x05, "Split Key", V1_0;
        TEMPLATE = 0x06, "Template", V1_0;
        SECRET_DATA = 0x07, "Secret Data", V1_0;
        OPAQUE_OBJECT = 0x08, "Opaque Object", V1_0;
        PGP_KEY = 0x09, "PGP Key", V1_2;
    }
}

enumeration! {
    /// Where an object stands in its life (clauses 3.22 and 9.1.3.2).
    State, tag STATE {
        PRE_ACTIVE = 0x01, "Pre-Active", V1_0;
        ACTIVE = 0x02, "Active", V1_0;
        DEACTIVATED = 0x03, "Deactivated", V1_0;
        COMPROMISED = 0x04, "Compromised", V1_0;
        DESTROYED = 0x05, "Destroyed", V1_0;
        DESTROYED_COMPROMISED = 0x06, "Destroyed Compromised", V1_0;
    }
}

enumeration! {
    /// Why an object was revoked (clause 9.1.3.2).
    RevocationReasonCode, tag REVOCATION_REASON_CODE {
        UNSPECIFIED = 0x01, "Unspecified", V1_0;
        KEY_COMPROMISE = 0x02, "Key Compromise", V1_0;
        CA_COMPROMISE = 0x03, "CA Compromise", V1_0;
        AFFILIATION_CHANGED = 0x04, "Affiliation Changed", V1_0;
        SUPERSEDED = 0x05, "Superseded", V1_0;
        CESSATION_OF_OPERATION = 0x06, "Cessation of Operation", V1_0;
        PRIVILEGE_WITHDRAWN = 0x07, "Privilege Withdrawn", V1_0;
    }
}

enumeration! {
    /// What a name is (clause 9.1.3.2).
    NameType, tag NAME_TYPE {
        UNINTERPRETED_TEXT_STRING = 0x01, "Uninterpreted Text String", V1_0;
        URI = 0x02, "URI", V1_0;
    }
}

enumeration! {
    /// What a Secret Data object is (clause 9.1.3.2). MongoDB's drivers register theirs as a seed.
    SecretDataType, tag SECRET_DATA_TYPE {
        PASSWORD = 0x01, "Password", V1_0;
        SEED = 0x02, "Seed", V1_0;
    }
}

enumeration! {
    /// Which member of a group is sought (clause 9.1.3.2).
    ObjectGroupMember, tag OBJECT_GROUP_MEMBER {
        GROUP_MEMBER_FRESH = 0x01, "Group Member Fresh", V1_1;
        GROUP_MEMBER_DEFAULT = 0x02, "Group Member Default", V1_1;
    }
}
