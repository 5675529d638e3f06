//! Keys: their formats and algorithms.

use super::enumeration;

enumeration! {
    /// The format of key material (clause 9.1.3.2).
    KeyFormatType, tag KEY_FORMAT_TYPE {
        RAW = 0x01, "Raw", V1_0;
        OPAQUE = 0x02, "Opaque", V1_0;
        PKCS_1 = 0x03, "PKCS#1", V1_0;
        PKCS_8 = 0x04, "PKCS#8", V1_0;
        X_509 = 0x05, "X.509", V1_0;
        EC_PRIVATE_KEY = 0x06, "ECPrivateKey", V1_0;
        TRANSPARENT_SYMMETRIC_KEY = 0x07, "Transparent Symmetric Key", V1_0;
        TRANSPARENT_DSA_PRIVATE_KEY = 0x08, "Transparent DSA Private Key", V1_0;
        TRANSPARENT_DSA_PUBLIC_KEY = 0x09, "Transparent DSA Public Key", V1_0;
        TRANSPARENT_RSA_PRIVATE_KEY = 0x0A, "Transparent RSA Private Key", V1_0;
        TRANSPARENT_RSA_PUBLIC_KEY = 0x0B, "Transparent RSA Public Key", V1_0;
        TRANSPARENT_DH_PRIVATE_KEY = 0x0C, "Transparent DH Private Key", V1_0;
        TRANSPARENT_DH_PUBLIC_KEY = 0x0D, "Transparent DH Public Key", V1_0;
        TRANSPARENT_ECDSA_PRIVATE_KEY = 0x0E, "Transparent ECDSA Private Key", V1_0;
        TRANSPARENT_ECDSA_PUBLIC_KEY = 0x0F, "Transparent ECDSA Public Key", V1_0;
        TRANSPARENT_ECDH_PRIVATE_KEY = 0x10, "Transparent ECDH Private Key", V1_0;
        TRANSPARENT_ECDH_PUBLIC_KEY = 0x11, "Transparent ECDH Public Key", V1_0;
        TRANSPARENT_ECMQV_PRIVATE_KEY = 0x12, "Transparent ECMQV Private Key", V1_0;
        TRANSPARENT_ECMQV_PUBLIC_KEY = 0x13, "Transparent ECMQV Public Key", V1_0;
        TRANSPARENT_EC_PRIVATE_KEY = 0x14, "Transparent EC Private Key", V1_3;
        TRANSPARENT_EC_PUBLIC_KEY = 0x15, "Transparent EC Public Key", V1_3;
        PKCS_12 = 0x16, "PKCS#12", V1_4;
    }
}

enumeration! {
    /// How the point of an elliptic curve key is packed (clause 9.1.3.2). Old clients send it with AES keys as well.
    KeyCompressionType, tag KEY_COMPRESSION_TYPE {
        EC_PUBLIC_KEY_TYPE_UNCOMPRESSED = 0x01, "EC Public Key Type Uncompressed", V1_0;
        EC_PUBLIC_KEY_TYPE_X9_62_COMPRESSED_PRIME = 0x02, "EC Public Key Type X9.62 Compressed Prime", V1_0;
        EC_PUBLIC_KEY_TYPE_X9_62_COMPRESSED_CHAR2 = 0x03, "EC Public Key Type X9.62 Compressed Char2", V1_0;
        EC_PUBLIC_KEY_TYPE_X9_62_HYBRID = 0x04, "EC Public Key Type X9.62 Hybrid", V1_0;
    }
}

enumeration! {
    /// Whether Get should return the key wrapped (clause 9.1.3.2).
    KeyWrapType, tag KEY_WRAP_TYPE {
        NOT_WRAPPED = 0x01, "Not Wrapped", V1_4;
        AS_REGISTERED = 0x02, "As Registered", V1_4;
    }
}

enumeration! {
    /// What a key is for (clause 9.1.3.2).
    CryptographicAlgorithm, tag CRYPTOGRAPHIC_ALGORITHM {
        DES = 0x01, "DES", V1_0;
        TRIPLE_DES = 0x02, "3DES", V1_0;
        AES = 0x03, "AES", V1_0;
        RSA = 0x04, "RSA", V1_0;
        DSA = 0x05, "DSA", V1_0;
        ECDSA = 0x06, "ECDSA", V1_0;
        HMAC_SHA1 = 0x07, "HMAC-SHA1", V1_0;
        HMAC_SHA224 = 0x08, "HMAC-SHA224", V1_0;
        HMAC_SHA256 = 0x09, "HMAC-SHA256", V1_0;
        HMAC_SHA384 = 0x0A, "HMAC-SHA384", V1_0;
        HMAC_SHA512 = 0x0B, "HMAC-SHA512", V1_0;
        HMAC_MD5 = 0x0C, "HMAC-MD5", V1_0;
        DH = 0x0D, "DH", V1_0;
        ECDH = 0x0E, "ECDH", V1_0;
        ECMQV = 0x0F, "ECMQV", V1_0;
        BLOWFISH = 0x10, "Blowfish", V1_0;
        CAMELLIA = 0x11, "Camellia", V1_0;
        CAST5 = 0x12, "CAST5", V1_0;
        IDEA = 0x13, "IDEA", V1_0;
        MARS = 0x14, "MARS", V1_0;
        RC2 = 0x15, "RC2", V1_0;
        RC4 = 0x16, "RC4", V1_0;
        RC5 = 0x17, "RC5", V1_0;
        SKIPJACK = 0x18, "SKIPJACK", V1_0;
        TWOFISH = 0x19, "Twofish", V1_0;
        EC = 0x1A, "EC", V1_2;
        ONE_TIME_PAD = 0x1B, "One Time Pad", V1_3;
        CHACHA20 = 0x1C, "ChaCha20", V1_4;
        POLY1305 = 0x1D, "Poly1305", V1_4;
        CHACHA20_POLY1305 = 0x1E, "ChaCha20Poly1305", V1_4;
        SHA3_224 = 0x1F, "SHA3-224", V1_4;
        SHA3_256 = 0x20, "SHA3-256", V1_4;
        SHA3_384 = 0x21, "SHA3-384", V1_4;
        SHA3_512 = 0x22, "SHA3-512", V1_4;
        HMAC_SHA3_224 = 0x23, "HMAC-SHA3-224", V1_4;
        HMAC_SHA3_256 = 0x24, "HMAC-SHA3-256", V1_4;
        HMAC_SHA3_384 = 0x25, "HMAC-SHA3-384", V1_4;
        HMAC_SHA3_512 = 0x26, "HMAC-SHA3-512", V1_4;
        SHAKE_128 = 0x27, "SHAKE-128", V1_4;
        SHAKE_256 = 0x28, "SHAKE-256", V1_4;
    }
}
