//! Operations, and the options of a request that concern them.

use super::enumeration;

enumeration! {
    /// What a batch item asks for (clause 9.1.3.2).
    Operation, tag OPERATION {
        CREATE = 0x01, "Create", V1_0;
        CREATE_KEY_PAIR = 0x02, "Create Key Pair", V1_0;
        REGISTER = 0x03, "Register", V1_0;
        RE_KEY = 0x04, "Re-key", V1_0;
        DERIVE_KEY = 0x05, "Derive Key", V1_0;
        CERTIFY = 0x06, "Certify", V1_0;
        RE_CERTIFY = 0x07, "Re-certify", V1_0;
        LOCATE = 0x08, "Locate", V1_0;
        CHECK = 0x09, "Check", V1_0;
        GET = 0x0A, "Get", V1_0;
        GET_ATTRIBUTES = 0x0B, "Get Attributes", V1_0;
        GET_ATTRIBUTE_LIST = 0x0C, "Get Attribute List", V1_0;
        ADD_ATTRIBUTE = 0x0D, "Add Attribute", V1_0;
        MODIFY_ATTRIBUTE = 0x0E, "Modify Attribute", V1_0;
        DELETE_ATTRIBUTE = 0x0F, "Delete Attribute", V1_0;
        OBTAIN_LEASE = 0x10, "Obtain Lease", V1_0;
        GET_USAGE_ALLOCATION = 0x11, "Get Usage Allocation", V1_0;
        ACTIVATE = 0x12, "Activate", V1_0;
        REVOKE = 0x13, "Revoke", V1_0;
        DESTROY = 0x14, "Destroy", V1_0;
        ARCHIVE = 0x15, "Archive", V1_0;
        RECOVER = 0x16, "Recover", V1_0;
        VALIDATE = 0x17, "Validate", V1_0;
        QUERY = 0x18, "Query", V1_0;
        CANCEL = 0x19, "Cancel", V1_0;
        POLL = 0x1A, "Poll", V1_0;
        NOTIFY = 0x1B, "Notify", V1_0;
        PUT = 0x1C, "Put", V1_0;
        RE_KEY_KEY_PAIR = 0x1D, "Re-key Key Pair", V1_1;
        DISCOVER_VERSIONS = 0x1E, "Discover Versions", V1_1;
        ENCRYPT = 0x1F, "Encrypt", V1_2;
        DECRYPT = 0x20, "Decrypt", V1_2;
        SIGN = 0x21, "Sign", V1_2;
        SIGNATURE_VERIFY = 0x22, "Signature Verify", V1_2;
        MAC = 0x23, "MAC", V1_2;
        MAC_VERIFY = 0x24, "MAC Verify", V1_2;
        RNG_RETRIEVE = 0x25, "RNG Retrieve", V1_2;
        RNG_SEED = 0x26, "RNG Seed", V1_2;
        HASH = 0x27, "Hash", V1_2;
        CREATE_SPLIT_KEY = 0x28, "Create Split Key", V1_2;
        JOIN_SPLIT_KEY = 0x29, "Join Split Key", V1_2;
        IMPORT = 0x2A, "Import", V1_4;
        EXPORT = 0x2B, "Export", V1_4;
    }
}

enumeration! {
    /// What Query is asked about (clause 9.1.3.2).
    QueryFunction, tag QUERY_FUNCTION {
        OPERATIONS = 0x01, "Query Operations", V1_0;
        OBJECTS = 0x02, "Query Objects", V1_0;
        SERVER_INFORMATION = 0x03, "Query Server Information", V1_0;
        APPLICATION_NAMESPACES = 0x04, "Query Application Namespaces", V1_0;
        EXTENSION_LIST = 0x05, "Query Extension List", V1_1;
        EXTENSION_MAP = 0x06, "Query Extension Map", V1_1;
        ATTESTATION_TYPES = 0x07, "Query Attestation Types", V1_2;
        RNGS = 0x08, "Query RNGs", V1_3;
        VALIDATIONS = 0x09, "Query Validations", V1_3;
        PROFILES = 0x0A, "Query Profiles", V1_3;
        CAPABILITIES = 0x0B, "Query Capabilities", V1_3;
        CLIENT_REGISTRATION_METHODS = 0x0C, "Query Client Registration Methods", V1_3;
    }
}

enumeration! {
    /// What becomes of a batch after an item has failed (clause 9.1.3.2). Stop is meant where none is given.
    BatchErrorContinuationOption, tag BATCH_ERROR_CONTINUATION_OPTION {
        CONTINUE = 0x01, "Continue", V1_0;
        STOP = 0x02, "Stop", V1_0;
        UNDO = 0x03, "Undo", V1_0;
    }
}
