//! For a store around another one: what it passes on as it is.

/// Methods of `ObjectStore` that ask `self.inner`, by name, with what they are given and what they answer.
macro_rules! passes_on {
    ($($name:ident($($argument:ident: $kind:ty),*) -> $answer:ty;)*) => {
        $(fn $name<'a>(&'a self, $($argument: $kind),*) -> BoxFuture<'a, Result<$answer, StoreError>> {
            self.inner.$name($($argument),*)
        })*
    };
}
