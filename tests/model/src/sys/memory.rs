/// The model has no freed memory to return.
pub fn return_freed() {}
