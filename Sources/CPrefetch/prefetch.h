#pragma once

// Asks for the cache line of an address without waiting for it, whatever the address is: Swift has no call for it.
static inline void sakuin_prefetch(const void *address) { __builtin_prefetch(address, 0, 3); }
