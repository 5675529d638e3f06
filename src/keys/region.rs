//! AWS regions: one spelling of two, and nothing that could bend a host name.

/// What a region looks like, for messages.
pub(super) const EXPECTED: &str = "expected a region such as us-east-1";

/// The region in AWS' spelling: `US_EAST_1`, as the Atlas API writes it, becomes `us-east-1`. Regions become part of
/// host names, hence `None` for whatever is not made of letters, digits and hyphens.
pub fn normalise(text: &str) -> Option<String> {
    let region = text.trim().to_ascii_lowercase().replace('_', "-");
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let fits = !region.is_empty() && region.len() <= 32 && !region.starts_with('-') && !region.ends_with('-');
    (fits && region.bytes().all(allowed)).then_some(region)
}

/// The region that the ARN of a key names.
pub(super) fn of_arn(key: &str) -> Option<String> {
    let mut parts = key.split(':');
    (parts.next() == Some("arn")).then(|| parts.nth(2).and_then(normalise)).flatten()
}

/// Whether a key is a multi-Region one: AWS gives the ids of those, and of no others, the prefix `mrk-`.
pub(crate) fn is_multi_region(key: &str) -> bool {
    key.rsplit_once(":key/").map_or(key, |(_, id)| id).starts_with("mrk-")
}

/// The ARN of the same key in another region; what is no ARN stays as it is.
pub(super) fn arn_in(key: &str, region: &str) -> String {
    if of_arn(key).is_none() {
        return key.to_owned();
    }
    let parts = key.split(':').enumerate().map(|(index, part)| if index == 3 { region } else { part });
    parts.collect::<Vec<_>>().join(":")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_are_one_region() {
        for text in ["us-east-1", "US_EAST_1", " us-east-1\n"] {
            assert_eq!(normalise(text).as_deref(), Some("us-east-1"), "{text:?}");
        }
        assert_eq!(normalise("US_GOV_WEST_1").as_deref(), Some("us-gov-west-1"));
    }

    #[test]
    fn a_region_cannot_bend_a_host_name() {
        for text in ["", "us-east-1.evil.example", "us-east-1/x", "us east 1", "-", "ü", "a@b"] {
            assert_eq!(normalise(text), None, "{text:?}");
        }
    }

    #[test]
    fn an_arn_names_its_region() {
        assert_eq!(of_arn("arn:aws:kms:eu-central-1:111122223333:key/1").as_deref(), Some("eu-central-1"));
        assert_eq!(of_arn("alias/mongodb"), None);
        assert_eq!(of_arn("arn:aws:kms::1:key/1"), None);
    }

    #[test]
    fn only_the_id_of_a_key_makes_it_a_multi_region_one() {
        for key in ["mrk-1234", "arn:aws:kms:us-east-1:111122223333:key/mrk-1234"] {
            assert!(is_multi_region(key), "{key}");
        }
        for key in ["1234-mrk-", "alias/mrk-1234", "arn:aws:kms:us-east-1:111122223333:alias/mrk-1234"] {
            assert!(!is_multi_region(key), "{key}");
        }
        let arn = "arn:aws:kms:us-east-1:111122223333:key/mrk-1234";
        assert_eq!(arn_in(arn, "us-west-2"), "arn:aws:kms:us-west-2:111122223333:key/mrk-1234");
        assert_eq!(arn_in("mrk-1234", "us-west-2"), "mrk-1234");
    }
}
