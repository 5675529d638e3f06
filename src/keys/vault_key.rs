//! How Azure names a key: `https://VAULT.vault.azure.net/keys/NAME[/VERSION]`.
//!
//! Invariant: what is read here can bend no host name and no path.

/// What a key identifier looks like, for messages.
pub(super) const EXPECTED: &str =
    "expected the key identifier of Azure, such as https://VAULT.vault.azure.net/keys/NAME/VERSION";

/// A key identifier, in its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultKey {
    /// The vault's host name, in lower case.
    pub host: String,
    /// The key's name.
    pub name: String,
    /// The key's version; the newest where absent.
    pub version: Option<String>,
}

impl VaultKey {
    /// Reads a key identifier; `None` for everything else.
    pub fn read(text: &str) -> Option<Self> {
        let (host, path) = text.trim().strip_prefix("https://")?.split_once('/')?;
        let mut parts = path.strip_suffix('/').unwrap_or(path).split('/');
        let ("keys", name, version, None) = (parts.next()?, parts.next()?, parts.next(), parts.next()) else {
            return None;
        };
        let host = host.strip_suffix(":443").unwrap_or(host);
        let fits = is_host(host) && is_name(name) && version.is_none_or(is_version);
        fits.then(|| VaultKey {
            host: host.to_ascii_lowercase(),
            name: name.to_owned(),
            version: version.map(str::to_owned),
        })
    }
}

/// Whether a text can be a vault's host name: labels of letters, digits and hyphens.
pub(super) fn is_host(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
    };
    text.len() <= 253 && text.contains('.') && text.split('.').all(label)
}

/// Whether a text can be a key's name: 1 to 127 letters, digits and hyphens (Azure Key Vault, "Object identifiers").
pub(super) fn is_name(text: &str) -> bool {
    (1..=127).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// Whether a text can be a version: Azure's own are 32 hexadecimal digits.
pub(super) fn is_version(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_identifier_is_read_with_and_without_its_version() {
        let key =
            VaultKey::read("https://My-Vault.vault.azure.net/keys/my-key/78deebed173b48e48f55abf87ed4cf71").unwrap();
        assert_eq!((key.host.as_str(), key.name.as_str()), ("my-vault.vault.azure.net", "my-key"));
        assert_eq!(key.version.as_deref(), Some("78deebed173b48e48f55abf87ed4cf71"));
        for text in ["https://v.vault.azure.net/keys/k", "https://v.vault.azure.net:443/keys/k/"] {
            assert_eq!(VaultKey::read(text).unwrap().version, None, "{text}");
        }
    }

    #[test]
    fn nothing_else_is_a_key_identifier() {
        for text in [
            "",
            "k",
            "http://v.vault.azure.net/keys/k/1",
            "https://v.vault.azure.net/secrets/k/1",
            "https://v.vault.azure.net/keys/k/1/decrypt",
            "https://v.vault.azure.net/keys//1",
            "https://v.vault.azure.net/keys/../1",
            "https://v.vault.azure.net/keys/k/1?x=y",
            "https://v.vault.azure.net/keys/k%2F/1",
            "https://v.vault.azure.net@evil.example/keys/k/1",
            "https://v.vault.azure.net:8443/keys/k/1",
            "https://evil.example#.vault.azure.net/keys/k/1",
            "https://localhost/keys/k/1",
            "https://-v.vault.azure.net/keys/k/1",
        ] {
            assert_eq!(VaultKey::read(text), None, "{text}");
        }
    }
}
