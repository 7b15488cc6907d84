// A user of the client imports one module.
@_exported public import SakuinAccess
@_exported public import SakuinTypes
