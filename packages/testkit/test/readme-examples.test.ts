import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { expect, test } from 'vitest'

const PACKAGES = fileURLToPath(new URL('../../', import.meta.url))
const EXAMPLE = /```ts\n(.*?)```/s

const OPTIONS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2023,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  strict: true,
  noEmit: true,
  skipLibCheck: true,
  types: ['node'],
}

test('the example of every README compiles', () => {
  const examples = new Map(
    readdirSync(PACKAGES).flatMap((name) => {
      const example = exampleOf(name)
      return example === undefined ? [] : [[`${PACKAGES}${name}/src/readme-example.ts`, example]]
    }),
  )

  expect([...examples].length).toBeGreaterThanOrEqual(7)
  expect(problemsOf(examples)).toEqual([])
})

function exampleOf(name: string): string | undefined {
  try {
    return EXAMPLE.exec(readFileSync(`${PACKAGES}${name}/README.md`, 'utf8'))?.[1]
  } catch {
    return undefined
  }
}

/** What the compiler says to modules that are only in memory, by their paths. */
function problemsOf(modules: ReadonlyMap<string, string>): readonly string[] {
  const disk = ts.createCompilerHost(OPTIONS)
  const host: ts.CompilerHost = {
    ...disk,
    fileExists: (path) => modules.has(path) || disk.fileExists(path),
    getSourceFile: (path, version) => {
      const text = modules.get(path)
      return text === undefined
        ? disk.getSourceFile(path, version)
        : ts.createSourceFile(path, text, version)
    },
  }
  const program = ts.createProgram([...modules.keys()], OPTIONS, host)
  return ts.getPreEmitDiagnostics(program).map(({ file, messageText }) => {
    const place = file?.fileName.slice(PACKAGES.length) ?? ''
    return `${place}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`
  })
}
