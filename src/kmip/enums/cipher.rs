//! Ciphers: their modes and paddings; hash functions.

use super::enumeration;

enumeration! {
    /// How a block cipher goes from one block to the next (clause 9.1.3.2).
    BlockCipherMode, tag BLOCK_CIPHER_MODE {
        CBC = 0x01, "CBC", V1_0;
        ECB = 0x02, "ECB", V1_0;
        PCBC = 0x03, "PCBC", V1_0;
        CFB = 0x04, "CFB", V1_0;
        OFB = 0x05, "OFB", V1_0;
        CTR = 0x06, "CTR", V1_0;
        CMAC = 0x07, "CMAC", V1_0;
        CCM = 0x08, "CCM", V1_0;
        GCM = 0x09, "GCM", V1_0;
        CBC_MAC = 0x0A, "CBC-MAC", V1_0;
        XTS = 0x0B, "XTS", V1_0;
        AES_KEY_WRAP_PADDING = 0x0C, "AESKeyWrapPadding", V1_0;
        NIST_KEY_WRAP = 0x0D, "NISTKeyWrap", V1_0;
        X9_102_AESKW = 0x0E, "X9.102 AESKW", V1_0;
        X9_102_TDKW = 0x0F, "X9.102 TDKW", V1_0;
        X9_102_AKW1 = 0x10, "X9.102 AKW1", V1_0;
        X9_102_AKW2 = 0x11, "X9.102 AKW2", V1_0;
        AEAD = 0x12, "AEAD", V1_4;
    }
}

enumeration! {
    /// How data that does not fill its last block is filled up (clause 9.1.3.2).
    PaddingMethod, tag PADDING_METHOD {
        NONE = 0x01, "None", V1_0;
        OAEP = 0x02, "OAEP", V1_0;
        PKCS5 = 0x03, "PKCS5", V1_0;
        SSL3 = 0x04, "SSL3", V1_0;
        ZEROS = 0x05, "Zeros", V1_0;
        ANSI_X9_23 = 0x06, "ANSI X9.23", V1_0;
        ISO_10126 = 0x07, "ISO 10126", V1_0;
        PKCS1_V1_5 = 0x08, "PKCS1 v1.5", V1_0;
        X9_31 = 0x09, "X9.31", V1_0;
        PSS = 0x0A, "PSS", V1_0;
    }
}

enumeration! {
    /// A hash function (clause 9.1.3.2).
    HashingAlgorithm, tag HASHING_ALGORITHM {
        MD2 = 0x01, "MD2", V1_0;
        MD4 = 0x02, "MD4", V1_0;
        MD5 = 0x03, "MD5", V1_0;
        SHA_1 = 0x04, "SHA-1", V1_0;
        SHA_224 = 0x05, "SHA-224", V1_0;
        SHA_256 = 0x06, "SHA-256", V1_0;
        SHA_384 = 0x07, "SHA-384", V1_0;
        SHA_512 = 0x08, "SHA-512", V1_0;
        RIPEMD_160 = 0x09, "RIPEMD-160", V1_0;
        TIGER = 0x0A, "Tiger", V1_0;
        WHIRLPOOL = 0x0B, "Whirlpool", V1_0;
        SHA_512_224 = 0x0C, "SHA-512/224", V1_2;
        SHA_512_256 = 0x0D, "SHA-512/256", V1_2;
        SHA_3_224 = 0x0E, "SHA-3-224", V1_4;
        SHA_3_256 = 0x0F, "SHA-3-256", V1_4;
        SHA_3_384 = 0x10, "SHA-3-384", V1_4;
        SHA_3_512 = 0x11, "SHA-3-512", V1_4;
    }
}
