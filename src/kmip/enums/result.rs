//! How an operation ended.

use super::enumeration;

enumeration! {
    /// Whether it worked (clause 9.1.3.2).
    ResultStatus, tag RESULT_STATUS {
        SUCCESS = 0x00, "Success", V1_0;
        OPERATION_FAILED = 0x01, "Operation Failed", V1_0;
        OPERATION_PENDING = 0x02, "Operation Pending", V1_0;
        OPERATION_UNDONE = 0x03, "Operation Undone", V1_0;
    }
}

enumeration! {
    /// Why it did not (clause 9.1.3.2).
    ResultReason, tag RESULT_REASON {
        ITEM_NOT_FOUND = 0x01, "Item Not Found", V1_0;
        RESPONSE_TOO_LARGE = 0x02, "Response Too Large", V1_0;
        AUTHENTICATION_NOT_SUCCESSFUL = 0x03, "Authentication Not Successful", V1_0;
        INVALID_MESSAGE = 0x04, "Invalid Message", V1_0;
        OPERATION_NOT_SUPPORTED = 0x05, "Operation Not Supported", V1_0;
        MISSING_DATA = 0x06, "Missing Data", V1_0;
        INVALID_FIELD = 0x07, "Invalid Field", V1_0;
        FEATURE_NOT_SUPPORTED = 0x08, "Feature Not Supported", V1_0;
        OPERATION_CANCELED_BY_REQUESTER = 0x09, "Operation Canceled By Requester", V1_0;
        CRYPTOGRAPHIC_FAILURE = 0x0A, "Cryptographic Failure", V1_0;
        ILLEGAL_OPERATION = 0x0B, "Illegal Operation", V1_0;
        PERMISSION_DENIED = 0x0C, "Permission Denied", V1_0;
        OBJECT_ARCHIVED = 0x0D, "Object Archived", V1_0;
        INDEX_OUT_OF_BOUNDS = 0x0E, "Index Out of Bounds", V1_0;
        APPLICATION_NAMESPACE_NOT_SUPPORTED = 0x0F, "Application Namespace Not Supported", V1_0;
        KEY_FORMAT_TYPE_NOT_SUPPORTED = 0x10, "Key Format Type Not Supported", V1_0;
        KEY_COMPRESSION_TYPE_NOT_SUPPORTED = 0x11, "Key Compression Type Not Supported", V1_0;
        ENCODING_OPTION_ERROR = 0x12, "Encoding Option Error", V1_1;
        KEY_VALUE_NOT_PRESENT = 0x13, "Key Value Not Present", V1_2;
        ATTESTATION_REQUIRED = 0x14, "Attestation Required", V1_2;
        ATTESTATION_FAILED = 0x15, "Attestation Failed", V1_2;
        SENSITIVE = 0x16, "Sensitive", V1_4;
        NOT_EXTRACTABLE = 0x17, "Not Extractable", V1_4;
        OBJECT_ALREADY_EXISTS = 0x18, "Object Already Exists", V1_4;
        GENERAL_FAILURE = 0x100, "General Failure", V1_0;
    }
}
