/* version.h - the library's version. */
#ifndef BV_API_VERSION_H
#define BV_API_VERSION_H

#define BARSVT_VERSION "0.1.0"

#endif
