/**
 * A path of Linux, macOS and other POSIX systems; undefined on Windows, where `/etc` means `\etc` on whatever drive is the
 * current one, and anyone may have put anything there. A lint rule keeps such paths out of everything else.
 */
export function posixPath(path: string, platform: NodeJS.Platform = process.platform): string | undefined {
  return platform === 'win32' ? undefined : path
}
