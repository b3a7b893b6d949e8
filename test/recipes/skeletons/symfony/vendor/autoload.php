<?php

namespace Composer {
    /** Says that no package came by Composer. Symfony then looks for classes. */
    final class InstalledVersions
    {
        public static function isInstalled(string $package): bool
        {
            return false;
        }
    }
}

namespace {
    foreach (['BrowserKit', 'Console', 'HttpClient', 'Mailer', 'Yaml'] as $component) {
        require_once "/usr/share/php/Symfony/Component/$component/autoload.php";
    }
    require_once '/usr/share/php/Symfony/Bundle/FrameworkBundle/autoload.php';

    spl_autoload_register(function (string $class): void {
        $file = __DIR__ . '/../src/' . strtr(substr($class, strlen('App\\')), '\\', '/') . '.php';
        if (str_starts_with($class, 'App\\') && file_exists($file)) {
            require $file;
        }
    });
}
