/** Access's session cookies: a client that has one gets in without the token (developers.cloudflare.com, "Authorization cookie"). */
const ACCESS_COOKIES = /^CF_(Authorization|AppSession|Session|Binding)$/i

/** Whether a cookie of that name is Access's own, which zt hands to no one. */
export function isAccessCookie(name: string): boolean {
  return ACCESS_COOKIES.test(name)
}
