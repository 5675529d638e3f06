//! The rules of the order, as data: every rule with its reason. The checker in `mod.rs` knows none of them.

/// A crate whose folders are rooms.
#[derive(Debug)]
pub(crate) struct House {
    /// The folder of its source, from the root of the repository.
    pub(crate) folder: &'static str,
    /// The crate's name in paths.
    pub(crate) name: &'static str,
    /// Its rooms from the ground up: each uses only those that stand above it in this table. A house without rooms is
    /// only searched for dead files.
    pub(crate) rooms: &'static [Room],
}

/// A room: a file or a folder directly below the house's folder.
#[derive(Debug)]
pub(crate) struct Room {
    /// The name of the folder, or of the file without `.rs`.
    pub(crate) name: &'static str,
    /// What the room must never do; completes "this room must never".
    pub(crate) never: &'static str,
}

/// A path that the order alone would allow, and that is closed all the same.
#[derive(Debug)]
pub(crate) struct Ban {
    /// The house that the rule is about.
    pub(crate) house: &'static str,
    /// Who may not.
    pub(crate) who: Who,
    /// The path, with everything below it.
    pub(crate) path: &'static str,
    /// Why, as the end of the sentence "... may not name it:".
    pub(crate) reason: &'static str,
}

/// To which rooms a ban applies.
#[derive(Debug)]
pub(crate) enum Who {
    /// These rooms.
    Rooms(&'static [&'static str]),
    /// Every room but these.
    AllBut(&'static [&'static str]),
}

/// Every house.
pub(crate) const HOUSES: &[House] = &[
    House {
        folder: "src",
        name: "kmip_proxy",
        rooms: &[
            Room { name: "ttlv", never: "know KMIP, nor allocate from a length read off the wire" },
            Room { name: "kmip", never: "know keys, clouds or sockets" },
            Room { name: "env", never: "know what passes through it, nor be bypassed" },
            Room { name: "keys", never: "talk to a cloud" },
            Room { name: "kms", never: "know KMIP" },
            Room { name: "operator", never: "print a secret" },
            Room { name: "operations", never: "know TLS or framing" },
            Room { name: "tls", never: "know clouds" },
            Room { name: "server", never: "know clouds" },
            Room { name: "config", never: "hold logic" },
            Room { name: "proxy", never: "decide anything about a request: it only puts the others together" },
            Room { name: "cli", never: "hold logic" },
        ],
    },
    House {
        folder: "harness/src",
        name: "kmiplab",
        rooms: &[
            Room { name: "scenario", never: "know a world" },
            Room { name: "trace", never: "be rewritten after the run" },
            Room { name: "wire", never: "use the product's codec" },
            Room { name: "clouds", never: "know the proxy" },
            Room { name: "control", never: "know the proxy" },
            Room { name: "cast", never: "share the product's codec" },
            Room { name: "persona", never: "pass for mongod" },
            Room { name: "tap", never: "change what passes, nor write a secret down unless it was told to" },
            Room { name: "world", never: "judge" },
            Room { name: "checker", never: "change a run" },
            Room { name: "doctor", never: "play" },
            Room { name: "transcript", never: "play, nor let through what no rule names" },
            Room { name: "report", never: "hold facts that report.json lacks" },
            Room { name: "campaign", never: "let a cell depend on which worker played it, or when" },
            Room { name: "explore", never: "know the product, nor let what is found depend on who found it" },
            Room { name: "oasis", never: "use the product's codec, nor leave a selected file without a verdict" },
            Room { name: "cli", never: "hold logic" },
        ],
    },
    House { folder: "xtask/src", name: "xtask", rooms: &[] },
];

/// Every ban.
pub(crate) const BANS: &[Ban] = &[
    Ban {
        house: "kmip_proxy",
        who: Who::Rooms(&["env", "kms"]),
        path: "kmip_proxy::ttlv",
        reason: "bytes of KMIP are read and written by `kmip`, `operations` and `server`",
    },
    Ban {
        house: "kmip_proxy",
        who: Who::Rooms(&["env", "kms"]),
        path: "kmip_proxy::kmip",
        reason: "a provider opens keys for anyone who asks; who asks, and in which protocol, is not its business",
    },
    Ban {
        house: "kmip_proxy",
        who: Who::Rooms(&["tls", "server"]),
        path: "kmip_proxy::kms",
        reason: "connections are served the same whatever cloud stands behind them",
    },
    Ban { house: "kmip_proxy", who: Who::AllBut(&["kms"]), path: "aws_sdk_kms", reason: "only `kms` speaks to clouds" },
    Ban { house: "kmip_proxy", who: Who::AllBut(&["kms"]), path: "aws_sdk_sts", reason: "only `kms` speaks to clouds" },
    Ban {
        house: "kmiplab",
        who: Who::Rooms(&["wire", "cast", "tap", "checker", "oasis"]),
        path: "kmip_proxy::ttlv",
        reason: "an oracle that shares the product's codec shares its mistakes",
    },
    Ban {
        house: "kmiplab",
        who: Who::Rooms(&["wire", "cast", "tap", "checker", "oasis"]),
        path: "kmip_proxy::kmip",
        reason: "an oracle that shares the product's tables shares their mistakes; tests that compare both stand in harness/tests/",
    },
    Ban {
        house: "kmiplab",
        who: Who::Rooms(&["clouds", "control"]),
        path: "kmip_proxy::kms",
        reason: "a cloud that knows its client's code plays along with its mistakes",
    },
    Ban {
        house: "kmiplab",
        who: Who::Rooms(&["clouds", "control"]),
        path: "kmip_proxy::operations",
        reason: "a cloud that knows its client's code plays along with its mistakes",
    },
    Ban {
        house: "kmiplab",
        who: Who::Rooms(&["clouds", "control"]),
        path: "kmip_proxy::server",
        reason: "a cloud that knows its client's code plays along with its mistakes",
    },
    Ban {
        house: "kmiplab",
        who: Who::Rooms(&["checker", "transcript", "report"]),
        path: "kmiplab::world",
        reason: "verdicts come from the trace alone, and reports from verdicts: neither can reach into a run",
    },
    Ban {
        house: "kmiplab",
        who: Who::Rooms(&["doctor"]),
        path: "kmiplab::world",
        reason: "a diagnosis comes from what two runs kept; one that played again would look at a third",
    },
    Ban {
        house: "kmiplab",
        who: Who::Rooms(&["checker", "transcript", "report"]),
        path: "kmiplab::cast",
        reason: "verdicts come from the trace alone, and reports from verdicts: neither can reach into a run",
    },
    Ban {
        house: "kmiplab",
        who: Who::Rooms(&["checker", "transcript", "report"]),
        path: "kmiplab::clouds",
        reason: "verdicts come from the trace alone, and reports from verdicts: neither can reach into a run",
    },
    Ban {
        house: "kmiplab",
        who: Who::Rooms(&["transcript"]),
        path: "kmiplab::checker",
        reason: "what was said does not depend on what was expected",
    },
    Ban {
        house: "kmiplab",
        who: Who::Rooms(&["report"]),
        path: "kmip_proxy",
        reason: "a renderer knows report.json and the trace, not the product",
    },
    Ban {
        house: "kmiplab",
        who: Who::Rooms(&["explore"]),
        path: "kmip_proxy",
        reason: "a search that knows the product looks where the product looks",
    },
    Ban {
        house: "kmiplab",
        who: Who::AllBut(&["world"]),
        path: "turmoil",
        reason: "what plays a scenario is the world's own affair",
    },
];

impl Who {
    /// Whether the ban applies to a room.
    pub(crate) fn includes(&self, room: &str) -> bool {
        match self {
            Who::Rooms(rooms) => rooms.contains(&room),
            Who::AllBut(rooms) => !rooms.contains(&room),
        }
    }
}
