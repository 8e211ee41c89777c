// SPDX-License-Identifier: Apache-2.0
// libcurl, opened when something is downloaded: whichever build of it the system has, so that its
// certificates and its security updates are the system's, and a program without it starts.
#pragma once

// CURLOPT_PROTOCOLS: what replaces it is not in 7.84 and older.
#define CURL_DISABLE_DEPRECATION
#include <curl/curl.h>

namespace reel::hub {

// libcurl's own functions, of 7.66 or newer, under their own names.
struct CurlLibrary {
  CURL* (*easy_init)();
  CURLcode (*easy_setopt)(CURL*, CURLoption, ...);
  CURLcode (*easy_getinfo)(CURL*, CURLINFO, ...);
  void (*easy_cleanup)(CURL*);
  const char* (*easy_strerror)(CURLcode);
  curl_slist* (*slist_append)(curl_slist*, const char*);
  void (*slist_free_all)(curl_slist*);
  CURLM* (*multi_init)();
  CURLMcode (*multi_setopt)(CURLM*, CURLMoption, ...);
  CURLMcode (*multi_add_handle)(CURLM*, CURL*);
  CURLMcode (*multi_remove_handle)(CURLM*, CURL*);
  CURLMcode (*multi_perform)(CURLM*, int*);
  CURLMcode (*multi_poll)(CURLM*, curl_waitfd*, unsigned, int, int*);
  CURLMsg* (*multi_info_read)(CURLM*, int*);
  CURLMcode (*multi_cleanup)(CURLM*);
  CURLU* (*url)();
  void (*url_cleanup)(CURLU*);
  CURLUcode (*url_set)(CURLU*, CURLUPart, const char*, unsigned);
  CURLUcode (*url_get)(CURLU*, CURLUPart, char**, unsigned);
  void (*free)(void*);
};

// Opened once. Throws kUnsupported where there is none, saying what to install.
const CurlLibrary& curl_library();

}  // namespace reel::hub
