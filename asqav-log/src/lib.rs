//! asqav-log
