import { chmodSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { hasFile, ifInstalled } from '../support/more-programs.ts'
import { debianFirst, describeRecipe } from './describe-recipe.ts'
import type { Recipe } from './recipe.ts'
import { useRecipes } from './use-recipes.ts'

const jar = (name: string): string => `/usr/share/java/${name}.jar`
const JUNIT = jar('junit-platform-console-standalone')
const MAIL = [jar('jakarta-mail'), jar('jakarta-activation')]
const SPRING = [
  ...['core', 'beans', 'context', 'context.support'].map((name) => jar(`spring3-${name}`)),
  ...['javax.mail', 'javax.activation', 'commons-logging'].map(jar),
]
const LIBRARY = fileURLToPath(new URL('../../clients/java/src/main', import.meta.url))
const jdk = ['javac', 'java', 'keytool'] as const

if (ifInstalled(...jdk, ...[JUNIT, ...MAIL].map(hasFile)))
  describeRecipe('jakarta-mail', {
    prepare: (recipe) => addMaven(recipe, MAIL),
    passes: /1 tests successful/,
    untrusted: /unable to find valid certification path/,
    spoiled: [
      ['src/main/java/shop/Mailer.java', 'Your code is', 'Not'],
      ['src/test/java/shop/MailerTest.java', '10s', '1ms'],
    ],
    fails: /no message with[^]*1 tests failed/,
  })

/** Puts a program in the place of Maven, which would download its plug-ins. It compiles also clients/java, and runs JUnit. */
function addMaven(recipe: Recipe, libraries: readonly string[]): void {
  const compile = `javac -d target -cp ${[JUNIT, ...libraries].join(':')} $(find src ${LIBRARY} -name '*.java')`
  const run = `java -jar ${JUNIT} -cp target:${libraries.join(':')} --scan-classpath=target --disable-banner`
  recipe.write('node_modules/.bin/mvn', `#!/bin/sh\nset -e\n${compile}\n${run}\n`)
  chmodSync(join(recipe.folder, 'node_modules/.bin/mvn'), 0o755)
}

const recipes = useRecipes()

describe.skipIf(!ifInstalled(...jdk, ...[JUNIT, ...MAIL].map(hasFile)))(
  'Jakarta Mail, with another host in the certificate',
  () => {
    it.each([
      { asked: 'true', printed: /Can't verify identity of server/, delivered: 0 },
      { asked: 'false', printed: /1 tests successful/, delivered: 1 },
    ])('checkserveridentity $asked', async ({ asked, printed, delivered }) => {
      await recipes.lab.reset()
      const recipe = await recipes.open('jakarta-mail', { env: debianFirst })
      addMaven(recipe, MAIL)
      recipe.edit('src/main/java/shop/Mailer.java', 'checkserveridentity", "true', `checkserveridentity", "${asked}`)
      await recipes.lab.useCertificate({ defect: 'wrong-host' })
      const { stdout, stderr } = await recipe.run()
      await recipes.lab.useCertificate('auto')
      expect(stdout + stderr).toMatch(printed)
      expect(await recipes.lab.messages()).toHaveLength(delivered)
    })
  },
)

it.skipIf(!ifInstalled(...jdk, ...SPRING.map(hasFile)))(
  'Spring Framework sends with the class and properties of the page about Spring Boot',
  async () => {
    await recipes.lab.reset()
    const recipe = await recipes.open('spring-boot', { env: debianFirst })
    recipe.write('Send.java', SEND)
    const script = `keytool -importcert -noprompt -alias lab -file lab-ca.pem -keystore lab.p12 -storepass changeit
    javac -d out -cp ${SPRING.join(':')} src/main/java/shop/Mailer.java Send.java
    trust='-Djavax.net.ssl.trustStore=lab.p12 -Djavax.net.ssl.trustStorePassword=changeit'
    java $trust -cp out:${SPRING.join(':')} shop.Send`
    const { status, stdout, stderr } = await recipe.sh(recipe.page.commands.join('') + script)
    expect(status, stdout + stderr).toBe(0)
    const { codes, session } = await recipes.lab.waitForMessage('you@example.com')
    expect(codes).toEqual(['123456'])
    expect(session).toMatchObject({ user: 'alice', tls: { version: 'TLSv1.3' } })
  },
)

/** Does what Spring Boot does with spring.mail.host and so on. */
const SEND = `package shop;
import java.io.FileReader;
import java.util.Properties;
import org.springframework.mail.javamail.JavaMailSenderImpl;

public class Send {
    public static void main(String[] args) throws Exception {
        var properties = new Properties();
        properties.load(new FileReader("src/main/resources/application.properties"));
        var sender = new JavaMailSenderImpl();
        sender.setHost(valueOf(properties.getProperty("spring.mail.host")));
        sender.setPort(Integer.parseInt(valueOf(properties.getProperty("spring.mail.port"))));
        sender.setUsername(valueOf(properties.getProperty("spring.mail.username")));
        sender.setPassword(valueOf(properties.getProperty("spring.mail.password")));
        for (var name : properties.stringPropertyNames())
            if (name.startsWith("spring.mail.properties."))
                sender.getJavaMailProperties().put(name.substring(23), properties.getProperty(name));
        new Mailer(sender).sendCode("you@example.com", 123456);
    }

    static String valueOf(String setting) {
        return System.getenv(setting.replaceAll("[\${}]", ""));
    }
}
`
