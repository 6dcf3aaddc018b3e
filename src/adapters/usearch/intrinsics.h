// The instructions of x86-64 processors, without warnings about the compiler's own header.
#pragma once

#if defined(__x86_64__)
#if !defined(__clang__)
// It begins registers by a variable of no value (GCC bug 105593); what is inlined from it warns where it is used.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#endif
