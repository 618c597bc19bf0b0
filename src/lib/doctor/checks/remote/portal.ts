import http from 'node:http'

/** Cloudflare's own answer to whether there is a captive portal: 204 without one (developers.cloudflare.com, WARP). */
export const PORTAL_URL = 'http://cp.cloudflare.com/generate_204'

/** The status of the answer; undefined: there is none. Sends nothing but the request. */
export function askPortal(timeoutMs: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const request = http.get(PORTAL_URL, {agent: false, timeout: timeoutMs}, (answer) => {
      answer.destroy()
      resolve(answer.statusCode)
    })
    request.once('timeout', () => request.destroy())
    request.on('error', () => {
      resolve(undefined)
    })
  })
}
