//! Comments that suppress findings.
