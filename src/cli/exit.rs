//! The exit codes, as one table: the help prints it, and `main` returns them.

/// Declares the codes once: name, number and meaning.
macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $code:literal,)+) => {
        $($(#[doc = $doc])+ pub const $name: u8 = $code;)+

        /// Every exit code with its meaning.
        pub const TABLE: &[(u8, &str)] = &[$(($code, concat!($($doc),+).trim_ascii()),)+];
    };
}

codes! {
    /// It was stopped in good order, or did what was asked.
    OK = 0,
    /// The command line or the configuration file is wrong.
    USAGE = 2,
    /// The KMIP port is taken, or the address is not ours.
    PORT_TAKEN = 3,
    /// The dbpath or the files of an import do not serve, or a check found a key that does not open.
    FILES = 4,
    /// A certificate or key file does not serve.
    TLS_FILES = 5,
    /// A bug of this program.
    BUG = 70,
}
