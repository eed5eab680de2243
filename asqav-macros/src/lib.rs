//! asqav-macros
