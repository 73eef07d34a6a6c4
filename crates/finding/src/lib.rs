//! The vocabulary that every command ends in: a finding, its evidence and its fix.
