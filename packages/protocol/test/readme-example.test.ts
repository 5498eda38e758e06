import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { expect, test } from 'vitest'

const PACKAGE = new URL('../', import.meta.url)

test('the example of the README compiles', async () => {
  const readme = await readFile(new URL('README.md', PACKAGE), 'utf8')
  const example = /```ts\n(.*?)```/s.exec(readme)?.[1] ?? ''

  expect(example).not.toBe('')
  expect(problemsOf(example)).toEqual([])
})

/** What the compiler says to a module of this package's folder that is only in memory. */
function problemsOf(text: string): readonly string[] {
  const path = fileURLToPath(new URL('src/readme-example.ts', PACKAGE))
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: ['node'],
  }
  const disk = ts.createCompilerHost(options)
  const host: ts.CompilerHost = {
    ...disk,
    fileExists: (name) => name === path || disk.fileExists(name),
    getSourceFile: (name, version) =>
      name === path ? ts.createSourceFile(name, text, version) : disk.getSourceFile(name, version),
  }
  const program = ts.createProgram([path], options, host)
  return ts
    .getPreEmitDiagnostics(program)
    .map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))
}
