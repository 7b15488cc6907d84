#pragma once

// Asks for the cache line of an address without waiting for it, whatever the address is: Swift has no call for it.
static inline void sakuin_prefetch(const void *address) { __builtin_prefetch(address, 0, 3); }

// The same for a line that is going to be written.
static inline void sakuin_prefetch_to_write(const void *address) { __builtin_prefetch(address, 1, 3); }
