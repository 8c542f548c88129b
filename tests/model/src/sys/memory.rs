/// There is nothing to give back.
pub fn return_freed() {}
