class Sealpost < Formula
  desc "Mock mail and news server lab that serves any certificate"
  homepage "https://github.com/{{repository}}"
  version "{{version}}"
  license "MIT"

  on_macos do
    on_arm do
      url "https://github.com/{{repository}}/releases/download/v{{version}}/sealpost-darwin-arm64.tar.xz"
      sha256 "{{sha256 sealpost-darwin-arm64.tar.xz}}"
    end
    on_intel do
      url "https://github.com/{{repository}}/releases/download/v{{version}}/sealpost-darwin-x64.tar.xz"
      sha256 "{{sha256 sealpost-darwin-x64.tar.xz}}"
    end
  end

  on_linux do
    on_arm do
      url "https://github.com/{{repository}}/releases/download/v{{version}}/sealpost-linux-arm64.tar.xz"
      sha256 "{{sha256 sealpost-linux-arm64.tar.xz}}"
    end
    on_intel do
      url "https://github.com/{{repository}}/releases/download/v{{version}}/sealpost-linux-x64.tar.xz"
      sha256 "{{sha256 sealpost-linux-x64.tar.xz}}"
    end
  end

  def install
    bin.install "sealpost"
    bin.install_symlink "sealpost" => "sealpost-sendmail"
    generate_completions_from_executable(bin/"sealpost", "completion")
  end

  service do
    run [opt_bin/"sealpost", "start"]
    keep_alive crashed: true
  end

  test do
    assert_match version.to_s, shell_output("#{bin}/sealpost --version")
  end
end
