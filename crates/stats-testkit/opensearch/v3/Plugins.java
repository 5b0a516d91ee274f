import java.util.List;

import org.opensearch.Version;
import org.opensearch.index.reindex.ReindexModulePlugin;
import org.opensearch.plugins.Plugin;
import org.opensearch.plugins.PluginInfo;
import org.opensearch.transport.Netty4ModulePlugin;

/** What a node of OpenSearch 3 is started with. */
final class Plugins {
  static final List<PluginInfo> ALL =
      List.of(plugin(Netty4ModulePlugin.class), plugin(ReindexModulePlugin.class));

  private Plugins() {}

  /** A plugin that lies on the class path. */
  private static PluginInfo plugin(Class<? extends Plugin> type) {
    return new PluginInfo(
        type.getSimpleName(),
        "on the class path",
        Version.CURRENT.toString(),
        Version.CURRENT,
        String.valueOf(Runtime.version().feature()),
        type.getName(),
        null, // custom folder
        List.of(), // extended plugins
        false); // native controller
  }
}
