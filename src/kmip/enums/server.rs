//! What a server tells of itself to Query, all since 1.3.

use super::enumeration;

enumeration! {
    /// What draws random bytes (clause 9.1.3.2).
    RngAlgorithm, tag RNG_ALGORITHM {
        UNSPECIFIED = 0x01, "Unspecified", V1_3;
        FIPS_186_2 = 0x02, "FIPS 186-2", V1_3;
        DRBG = 0x03, "DRBG", V1_3;
        NRBG = 0x04, "NRBG", V1_3;
        ANSI_X9_31 = 0x05, "ANSI X9.31", V1_3;
        ANSI_X9_62 = 0x06, "ANSI X9.62", V1_3;
    }
}

enumeration! {
    /// How clients become known to a server (clause 9.1.3.2).
    ClientRegistrationMethod, tag CLIENT_REGISTRATION_METHOD {
        UNSPECIFIED = 0x01, "Unspecified", V1_3;
        SERVER_PRE_GENERATED = 0x02, "Server Pre-Generated", V1_3;
        SERVER_ON_DEMAND = 0x03, "Server On-Demand", V1_3;
        CLIENT_GENERATED = 0x04, "Client Generated", V1_3;
        CLIENT_REGISTERED = 0x05, "Client Registered", V1_3;
    }
}

enumeration! {
    /// Whether wrapped keys are unwrapped when they are used (clause 9.1.3.2).
    UnwrapMode, tag UNWRAP_MODE {
        UNSPECIFIED = 0x01, "Unspecified", V1_3;
        PROCESSED = 0x02, "Processed", V1_3;
        NOT_PROCESSED = 0x03, "Not Processed", V1_3;
    }
}

enumeration! {
    /// What Destroy does to an object (clause 9.1.3.2).
    DestroyAction, tag DESTROY_ACTION {
        UNSPECIFIED = 0x01, "Unspecified", V1_3;
        KEY_MATERIAL_DELETED = 0x02, "Key Material Deleted", V1_3;
        KEY_MATERIAL_SHREDDED = 0x03, "Key Material Shredded", V1_3;
        META_DATA_DELETED = 0x04, "Meta Data Deleted", V1_3;
        META_DATA_SHREDDED = 0x05, "Meta Data Shredded", V1_3;
        DELETED = 0x06, "Deleted", V1_3;
        SHREDDED = 0x07, "Shredded", V1_3;
    }
}

enumeration! {
    /// Whose random bytes a client is given (clause 9.1.3.2).
    RngMode, tag RNG_MODE {
        UNSPECIFIED = 0x01, "Unspecified", V1_3;
        SHARED_INSTANTIATION = 0x02, "Shared Instantiation", V1_3;
        NON_SHARED_INSTANTIATION = 0x03, "Non-Shared Instantiation", V1_3;
    }
}
