// The two headers of liblz4 that Sakuin uses: block compression, fast and high-compression.
#include <lz4.h>
#include <lz4hc.h>
