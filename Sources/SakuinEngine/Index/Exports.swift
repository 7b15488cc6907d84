// An embedder imports one module.
@_exported public import SakuinTypes
