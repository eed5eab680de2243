//! asqav-policy
