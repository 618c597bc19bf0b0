/**
 * Ends the process once its output is written, where only a look-up of a host name keeps it: the system's resolver cannot
 * be interrupted, and waits for a name server that does not answer for much longer than anybody here.
 */
export async function leaveLookUps(): Promise<void> {
  if (!process.getActiveResourcesInfo().includes('GetAddrInfoReqWrap')) return
  await Promise.all([process.stdout, process.stderr].map(written))
  process.exit()
}

function written(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      resolve()
    }
    if (stream.writableLength === 0 || stream.destroyed) done()
    else stream.once('error', done).write('', done)
  })
}
