import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { hasFile, ifInstalled } from '../support/more-programs.ts'
import { debianFirst, describeRecipe } from './describe-recipe.ts'
import { useRecipes } from './use-recipes.ts'

const jar = (name: string): string => `/usr/share/java/${name}.jar`
const SPRING = [
  ...['core', 'beans', 'context', 'context.support'].map((name) => jar(`spring3-${name}`)),
  ...['javax.mail', 'javax.activation', 'commons-logging'].map(jar),
]
const LIBRARY = fileURLToPath(new URL('../../clients/java', import.meta.url))
const jdk = ['javac', 'java', 'keytool'] as const

/** Maven reads links to Debian's repository in the place of Maven Central, and writes beside them. */
const ofMaven = {
  env: { MAVEN_ARGS: '-B -o -Dmaven.repo.local=repository -Dsurefire.version=2.22.3' },
  instead: {
    'mvn -f ../sealpost/clients/java/pom.xml install -DskipTests': `cp -rs /usr/share/maven-repo/. repository
cp -r '${LIBRARY}' library
mvn -f library/pom.xml install -DskipTests`,
  },
}
const repository = [
  'com/google/code/gson/gson',
  'com/sun/mail/jakarta.mail',
  'org/junit/jupiter',
  'org/apache/maven/surefire/surefire-junit-platform',
  'org/apache/maven/plugins/maven-install-plugin',
  'org/apache/maven/plugins/maven-jar-plugin',
]
const hasMaven = ifInstalled('mvn', ...jdk, ...repository.map((path) => hasFile(`/usr/share/maven-repo/${path}`)))

if (hasMaven)
  describeRecipe('jakarta-mail', {
    ...ofMaven,
    passes: /Tests run: 1, Failures: 0, Errors: 0/,
    untrusted: /unable to find valid certification path/,
    spoiled: [
      ['src/main/java/shop/Mailer.java', 'Your code is', 'Not'],
      ['src/test/java/shop/MailerTest.java', '10s', '1ms'],
    ],
    fails: /no message with[^]*Tests run: 1, Failures: 1/,
  })

const recipes = useRecipes()

describe.skipIf(!hasMaven)('Jakarta Mail, with another host in the certificate', () => {
  it.each([
    { asked: 'true', printed: /Can't verify identity of server/, delivered: 0 },
    { asked: 'false', printed: /Tests run: 1, Failures: 0, Errors: 0/, delivered: 1 },
  ])('checkserveridentity $asked', async ({ asked, printed, delivered }) => {
    await recipes.lab.reset()
    const recipe = await recipes.open('jakarta-mail', { ...ofMaven, env: { ...debianFirst, ...ofMaven.env } })
    recipe.edit('src/main/java/shop/Mailer.java', 'checkserveridentity", "true', `checkserveridentity", "${asked}`)
    await recipes.lab.useCertificate({ defect: 'wrong-host' })
    const { stdout, stderr } = await recipe.run()
    await recipes.lab.useCertificate('auto')
    expect(stdout + stderr).toMatch(printed)
    expect(await recipes.lab.messages()).toHaveLength(delivered)
  })
})

it.skipIf(!ifInstalled(...jdk, ...SPRING.map(hasFile)))(
  'Spring Framework sends with the class and properties of the page about Spring Boot',
  async () => {
    await recipes.lab.reset()
    const recipe = await recipes.open('spring-boot', { env: debianFirst })
    recipe.writeFiles()
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
