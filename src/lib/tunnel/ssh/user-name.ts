import os from 'node:os'
import {UserError} from '../../core/errors.js'

/** What the system's user database has of this user. Throws for a user that it does not have, as in many containers. */
type UserInfo = () => unknown

/** Whether this user has no name: ssh then ends with "No user exists for uid" before it does anything (OpenSSH, ssh.c). */
export function isNameless(userInfo: UserInfo = os.userInfo): boolean {
  try {
    userInfo()
    return false
  } catch {
    return true
  }
}

/** @throws UserError `needs-action` / `USER_WITHOUT_NAME` */
export function requireName(userInfo?: UserInfo): void {
  if (!isNameless(userInfo)) return
  const uid = process.getuid?.() ?? 0
  throw new UserError({
    kind: 'needs-action',
    code: 'USER_WITHOUT_NAME',
    message: 'ssh does not run for a user without a name',
    why: `The system's user database has no entry for user ID ${uid}, and ssh ends with "No user exists for uid ${uid}".`,
    next: [
      'Give the user a name by libnss-wrapper, as docs/how-to/ci.md shows, or by an entry in /etc/passwd',
    ],
  })
}
