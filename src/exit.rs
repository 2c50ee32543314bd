//! The exit codes, and what they mean.

use std::process::ExitCode;

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: all is well; with `--detailed-exitcode`: in sync.
    Success,
    /// 1: something failed while running. What succeeded is kept and said.
    Failure,
    /// 2: with `--detailed-exitcode`: changes are pending.
    Pending,
    /// 4: with `--detailed-exitcode`: the live state drifted.
    Drifted,
    /// 6: with `--detailed-exitcode`: both.
    PendingAndDrifted,
    /// 8: a limit is exceeded, nothing was applied.
    Blocked,
    /// 64: the command line is wrong.
    Usage,
    /// 78: the file is wrong.
    Config,
}

impl Exit {
    /// The number.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Exit::Success => 0,
            Exit::Failure => 1,
            Exit::Pending => 2,
            Exit::Drifted => 4,
            Exit::PendingAndDrifted => 6,
            Exit::Blocked => 8,
            Exit::Usage => 64,
            Exit::Config => 78,
        }
    }

    /// The exit of that number, among those that a plan can ask for.
    #[must_use]
    pub const fn of_plan(code: u8) -> Exit {
        match code {
            0 => Exit::Success,
            2 => Exit::Pending,
            4 => Exit::Drifted,
            6 => Exit::PendingAndDrifted,
            8 => Exit::Blocked,
            _ => Exit::Failure,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}
